import type { ReportAnswer, ReportedHost } from "@wcs/api/ipam";

/** Brings a report to a server, by whatever way, and gives its answer; rejects when none came. */
export type SendReport = (report: ReportedHost, signal: AbortSignal) => Promise<ReportAnswer>;

/** How reporting goes, for `wcs-agent status` and metrics. `lastAt` null: no report was taken since this process started. */
export type ReportState = Readonly<{ lastAt: string | null; failure: string | null; taken: number; failed: number }>;

export type Reporter = Readonly<{
  /** Something has changed, or a server can be reached again: a report follows within a moment. */
  changed: () => void;
  state: () => ReportState;
  close: () => Promise<void>;
}>;

export type ReportTiming = Readonly<{
  /** How long changes are gathered. */
  gatherMs: number;
  /** A report without a change, so that the server knows that it hears all there is. */
  everyMs: number;
  timeoutMs: number;
  retryMs: Readonly<{ first: number; longest: number }>;
}>;

/** Three reports may be lost before the server takes a host for silent (server/ipam, freshReportMs). */
export const usualReportTiming: ReportTiming = {
  gatherMs: 200,
  everyMs: 45_000,
  timeoutMs: 10_000,
  retryMs: { first: 500, longest: 30_000 },
};

/**
 * Tells the server all that the host has: at the start, when something has changed, and every `everyMs`. One report is under way at a
 * time, so that they come in order; each is whole, so that a lost one loses nothing. Nothing on the host waits for it.
 */
export function startReporter(
  options: Readonly<{
    /** The next report, with a sequence number that no other has had. */
    next: () => Promise<ReportedHost>;
    send: SendReport;
    /** Called with what the server said to a report that it took. */
    onAnswer: (answer: ReportAnswer, report: ReportedHost) => Promise<void> | void;
    /** The server has had a later report: `sequence` is its number. */
    onBehind: (sequence: number) => Promise<void>;
    timing?: ReportTiming;
    log: (line: string) => void;
  }>,
): Reporter {
  const { timing = usualReportTiming, log } = options;
  const stopping = new AbortController();
  let state: ReportState = { lastAt: null, failure: null, taken: 0, failed: 0 };
  let dirty = true;
  let wake = Promise.withResolvers<void>();

  async function report(): Promise<void> {
    const body = await options.next();
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(timing.timeoutMs)]);
    const answer = await options.send(body, signal);
    if (!answer.accepted) {
      await options.onBehind(answer.sequence);
      throw new Error(`the server has had report ${answer.sequence}, this was ${body.sequence}`);
    }
    await options.onAnswer(answer, body);
  }

  /** Waits for `ms`, or less when something changes and `forChange` is set. */
  async function pause(ms: number, forChange: boolean): Promise<void> {
    const timer = Promise.withResolvers<void>();
    const timeout = setTimeout(timer.resolve, ms);
    const stop = () => timer.resolve();
    stopping.signal.addEventListener("abort", stop, { once: true });
    if (!stopping.signal.aborted) await (forChange ? Promise.race([timer.promise, wake.promise]) : timer.promise);
    clearTimeout(timeout);
    stopping.signal.removeEventListener("abort", stop);
  }

  async function run(): Promise<void> {
    let retryMs = timing.retryMs.first;
    while (!stopping.signal.aborted) {
      if (!dirty) await pause(timing.everyMs, true);
      await pause(timing.gatherMs, false);
      if (stopping.signal.aborted) return;
      dirty = false;
      wake = Promise.withResolvers();
      try {
        await report();
        if (state.failure !== null) log("reports: the server takes them again");
        state = { ...state, lastAt: new Date().toISOString(), failure: null, taken: state.taken + 1 };
        retryMs = timing.retryMs.first;
      } catch (error) {
        if (stopping.signal.aborted) return;
        const failure = error instanceof Error ? error.message : String(error);
        if (state.failure === null) log(`reports: ${failure}; tried again until it is taken`);
        state = { ...state, failure, failed: state.failed + 1 };
        dirty = true;
        // A server that has come back hears of its hosts one after another, not all at once.
        await pause(retryMs * (0.7 + Math.random() * 0.6), false);
        retryMs = Math.min(timing.retryMs.longest, retryMs * 2);
      }
    }
  }

  const running = run();
  return {
    changed: () => {
      dirty = true;
      wake.resolve();
    },
    state: () => state,
    close: async () => {
      stopping.abort();
      await running;
    },
  };
}
