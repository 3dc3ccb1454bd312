/** Minor versions of Kubernetes 1.x whose API has all that WCS uses: in-place resize since 1.33, WebSocket exec v5 since 1.30. */
export const supportedMinors = { least: 33, most: 36 } as const;

/** How far a cluster's clock may be from ours, in milliseconds. Certificates, tokens and leases are told by the clock. */
export const longestSkewMs = 10_000;

/** What is wrong with the version, or null. */
export function versionProblem(version: Readonly<{ major: number; minor: number; gitVersion: string }>): string | null {
  const { least, most } = supportedMinors;
  if (version.major === 1 && version.minor >= least && version.minor <= most) return null;
  return `Kubernetes ${version.gitVersion} is not supported: WCS works with 1.${least} to 1.${most}`;
}

/**
 * How far the cluster's clock is from ours, in milliseconds; positive when it is ahead. `date` is the answer's Date header, which has whole seconds,
 * and was made between `askedAtMs` and `answeredAtMs`: what these leave open counts in the cluster's favour.
 */
export function clockSkewMs(date: Date, askedAtMs: number, answeredAtMs: number): number {
  const least = date.getTime() - answeredAtMs;
  const most = date.getTime() + 999 - askedAtMs;
  if (least > 0) return least;
  return most < 0 ? most : 0;
}
