/** Tells a waiting person what is being done. */
export type Progress = Readonly<{
  /** A step begins; call the result when it is done. */
  step: (what: string) => (detail?: string) => void;
}>;

/**
 * One line when a step begins, one when it ends with its time, and on long ones a line every 20 s. `write` takes whole
 * lines.
 */
export function lineProgress(write: (line: string) => void): Progress {
  return {
    step: (what) => {
      const started = performance.now();
      const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`;
      write(`==> ${what}`);
      const ticking = setInterval(() => write(`    ${what}: ${seconds()} so far`), 20_000);
      ticking.unref();
      return (detail) => {
        clearInterval(ticking);
        write(`    ${what}: ${seconds()}${detail === undefined ? "" : `, ${detail}`}`);
      };
    },
  };
}

export const silentProgress: Progress = { step: () => () => {} };
