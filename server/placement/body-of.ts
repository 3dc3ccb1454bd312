/** The same type without `readonly`: what the contract's types, made from schemas, say of an answer's body. */
type Writable<T> = T extends readonly (infer E)[]
  ? Writable<E>[]
  : T extends object
    ? { -readonly [K in keyof T]: Writable<T[K]> }
    : T;

/** An engine's answer as an answer's body: it is only written out from here on. */
export function bodyOf<T>(value: T): Writable<T> {
  return value as Writable<T>;
}
