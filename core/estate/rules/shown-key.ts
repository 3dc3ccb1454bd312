/** `Host/idc1-h1` as a message names it: `Host idc1-h1`. */
export function shownKey(key: string): string {
  return key.replace("/", " ");
}
