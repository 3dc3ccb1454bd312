/**
 * Who may import whom (docs/architecture.md, "The house"). A package that is not a key here may import nothing of ours,
 * and the boundary test fails for a workspace that has no row.
 */
export const allowedImports: Readonly<Record<string, readonly string[]>> = {
  core: [],
  api: ["core"],
  netlink: [],
  kube: [],
  server: ["core", "api", "kube"],
  agent: ["core", "api", "netlink", "kube", "cni"],
  cli: ["core", "api"],
  console: ["core", "api"],
  lab: [],
  cni: [],
  tools: ["lab"],
  e2e: ["core", "api", "netlink", "cni", "kube", "lab", "server", "agent", "cli", "tools"],
  bench: ["core", "api", "netlink", "cni", "kube", "lab", "server", "agent", "cli", "tools"],
};

/** A regular expression for the import specifiers that files of `packageName` may not use; null when all may be used. */
export function forbiddenSpecifiers(packageName: string): string | null {
  const allowed = new Set(allowedImports[packageName] ?? []);
  const others = Object.keys(allowedImports).filter((name) => name !== packageName);
  const forbidden = others.filter((name) => !allowed.has(name));
  const relative = `(?:\\.\\./)+(?:${others.join("|")})(?:/.*)?`;
  return forbidden.length === 0 ? `^${relative}$` : `^(?:@wcs/(?:${forbidden.join("|")})(?:/.*)?|${relative})$`;
}

/** Modules that `core` may not import: it has no clock and does no I/O. */
export const coreForbidden =
  "^(?:node:)?(?:module|fs|fs/promises|net|http|http2|https|tls|dgram|dns|child_process|worker_threads|cluster|os|process|timers|timers/promises|perf_hooks|readline|inspector)$";
