/** Tells a waiting person what is being done. */
export type Progress = Readonly<{
  /** A step begins; call the result when it is done. `detail`, asked now and then, says how far it is. */
  step: (what: string, detail?: () => string) => (result?: string) => void;
}>;

/**
 * One line when a step begins, one when it ends with its time, and on long ones a line every 20 s. `write` takes whole
 * lines.
 */
export function lineProgress(write: (line: string) => void): Progress {
  return {
    step: (what, detail) => {
      const started = performance.now();
      const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`;
      write(`==> ${what}`);
      const ticking = setInterval(
        () => write(`    ${what}: ${seconds()} so far${detail === undefined ? "" : `, ${detail()}`}`),
        20_000,
      );
      ticking.unref();
      return (result) => {
        clearInterval(ticking);
        write(`    ${what}: ${seconds()}${result === undefined ? "" : `, ${result}`}`);
      };
    },
  };
}

export const silentProgress: Progress = { step: () => () => {} };
