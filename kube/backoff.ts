export type Backoff = Readonly<{ baseMs: number; maxMs: number; random?: () => number }>;

/** How long to wait before attempt `failures` + 1, in milliseconds: doubled each time, half of it random, so that many clients spread. */
export function backoffMs({ baseMs, maxMs, random = Math.random }: Backoff, failures: number): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(Math.max(failures - 1, 0), 30));
  return ceiling / 2 + (ceiling / 2) * random();
}
