/** `field: what is wrong`, as the rules of releases say it, as a fault with its place. */
export function placedFault(text: string): { pointer: string; message: string } {
  const at = text.indexOf(": ");
  return { pointer: `/${text.slice(0, at)}`, message: text.slice(at + 2) };
}
