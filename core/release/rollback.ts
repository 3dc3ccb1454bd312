/** A version that a release brought to an instance, when it passed there. */
export type VersionRecord = Readonly<{ release: string; instance: string; version: string; atMs: number }>;

export type RollbackTarget =
  | Readonly<{ instance: string; version: string; release: string }>
  | Readonly<{ instance: string; problem: string }>;

/**
 * Where each instance goes when a release is taken back: to what it had before that release, or, when `toRelease` is named, to what it had when
 * that earlier release was through. An instance that had nothing then is named with the reason.
 */
export function rollbackTargets(input: {
  instances: readonly string[];
  history: readonly VersionRecord[];
  /** The release that is taken back, and when it began. */
  release: string;
  beganAtMs: number;
  toRelease: Readonly<{ id: string; endedAtMs: number }> | null;
}): readonly RollbackTarget[] {
  return input.instances.map((instance) => {
    const earlier = input.history
      .filter((record) => record.instance === instance && record.release !== input.release)
      .filter(({ atMs }) => atMs <= (input.toRelease?.endedAtMs ?? input.beganAtMs))
      .sort((a, b) => b.atMs - a.atMs || (a.release < b.release ? 1 : -1))[0];
    if (earlier !== undefined) return { instance, version: earlier.version, release: earlier.release };
    const when = input.toRelease === null ? "this release" : `the end of release ${input.toRelease.id}`;
    return { instance, problem: `it had no version before ${when}` };
  });
}
