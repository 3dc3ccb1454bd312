import type { Http2Session } from "node:http2";

/** How often the other side is asked whether it lives, and how long it may take to say so. */
export type KeepAlive = Readonly<{ everyMs: number; deadAfterMs: number }>;

/** 5 s and 10 s: a cut cable shows within 15 s. */
export const usualKeepAlive: KeepAlive = { everyMs: 5_000, deadAfterMs: 10_000 };

/** Pings the other side until the session closes, and destroys a session whose other side is silent. */
export function keepAlive(session: Http2Session, { everyMs, deadAfterMs }: KeepAlive): void {
  let sentAt: number | null = null;
  const timer = setInterval(() => {
    if (session.destroyed) return clearInterval(timer);
    if (sentAt !== null) {
      if (performance.now() - sentAt > deadAfterMs) session.destroy();
      return;
    }
    const at = performance.now();
    const sent = session.ping((error) => {
      if (error === null) sentAt = null;
    });
    if (sent) sentAt = at;
  }, everyMs);
  timer.unref();
  session.once("close", () => clearInterval(timer));
}
