/** Runs work under a key: one at a time a key, in order of arrival, keys beside each other. */
export type KeyLock = <T>(key: string, work: () => Promise<T>) => Promise<T>;

/** `waitMs`: how long one waits for others of the same key before `tooLong` is thrown. */
export function createKeyLock({
  waitMs,
  tooLong,
}: Readonly<{ waitMs: number; tooLong: (key: string) => Error }>): KeyLock {
  const tails = new Map<string, Promise<void>>();
  return async (key, work) => {
    const before = tails.get(key) ?? Promise.resolve();
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const tail = before.then(() => held);
    tails.set(key, tail);
    void tail.then(() => tails.get(key) === tail && tails.delete(key));
    let timer: NodeJS.Timeout | undefined;
    try {
      const timeout = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(tooLong(key)), waitMs);
      });
      await Promise.race([before, timeout]);
      clearTimeout(timer);
      return await work();
    } finally {
      clearTimeout(timer);
      release();
    }
  };
}
