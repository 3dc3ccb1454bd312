/** One place where two values differ. `from` or `to` is undefined where the member does not exist. */
export type Difference = Readonly<{ path: string; from: unknown; to: unknown }>;

/**
 * Where two JSON values differ, in the order of their paths: `spec.containers[app].image`. Items of a list are matched by what names them
 * (listKey), and by position where nothing does.
 */
export function differences(from: unknown, to: unknown): readonly Difference[] {
  const found: Difference[] = [];
  compare("", from, to, found);
  return found;
}

function compare(path: string, from: unknown, to: unknown, found: Difference[]): void {
  if (Object.is(from, to)) return;
  if (Array.isArray(from) && Array.isArray(to)) {
    compareMembers(path, itemsByKey(from, to, from), itemsByKey(from, to, to), found, (key) => `[${key}]`);
  } else if (isObject(from) && isObject(to)) {
    compareMembers(path, membersOf(from), membersOf(to), found, (key) => (path === "" ? key : `.${key}`));
  } else {
    found.push({ path, from, to });
  }
}

function compareMembers(
  path: string,
  from: ReadonlyMap<string, unknown>,
  to: ReadonlyMap<string, unknown>,
  found: Difference[],
  segment: (key: string) => string,
): void {
  for (const key of new Set([...from.keys(), ...to.keys()])) {
    compare(path + segment(key), from.get(key), to.get(key), found);
  }
}

function membersOf(value: object): ReadonlyMap<string, unknown> {
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return new Map(members.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function itemsByKey(
  from: readonly unknown[],
  to: readonly unknown[],
  items: readonly unknown[],
): ReadonlyMap<string, unknown> {
  const key = listKey(from, to);
  return new Map(items.map((item, index) => [key === null ? String(index) : String(member(item, key)), item]));
}

/**
 * The member by which the items of two lists are told apart, as Kubernetes merges them (`mountPath`, `name`) or as WCS's own lists do (`path`);
 * null when there is none that every item of both has and none shares.
 */
export function listKey(from: readonly unknown[], to: readonly unknown[]): string | null {
  return ["mountPath", "name", "path"].find((key) => hasOwnKeys(from, key) && hasOwnKeys(to, key)) ?? null;
}

function hasOwnKeys(items: readonly unknown[], key: string): boolean {
  const keys = items.map((item) => member(item, key));
  return keys.every((value) => typeof value === "string") && new Set(keys).size === keys.length;
}

function member(item: unknown, key: string): unknown {
  return isObject(item) ? (item as Record<string, unknown>)[key] : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
