import type { Log } from "./log.ts";

/** The program's log before its HTTP server, which makes the real one, exists. Lines until then are kept and handed over. */
export function deferredLog(): Log & Readonly<{ follow: (log: Log) => void }> {
  let target: Log | null = null;
  const kept: ((log: Log) => void)[] = [];
  const at =
    (level: keyof Log) =>
    (...args: [unknown, string?]): void => {
      if (target === null) kept.push((log) => log[level](...args));
      else target[level](...args);
    };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    follow: (log) => {
      target = log;
      for (const write of kept.splice(0)) write(log);
    },
  } as Log & Readonly<{ follow: (log: Log) => void }>;
}
