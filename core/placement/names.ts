/** A table of ids: an id has an index, by which the arrays of the world are addressed. */
export type Names = Readonly<{ ids: string[]; index: Map<string, number> }>;

export function createNames(): Names {
  return { ids: [], index: new Map() };
}

/** The index of `id`, which is added when it is new. */
export function internName(names: Names, id: string): number {
  const known = names.index.get(id);
  if (known !== undefined) return known;
  names.ids.push(id);
  names.index.set(id, names.ids.length - 1);
  return names.ids.length - 1;
}

/**
 * A 32-bit key of an id (FNV-1a). Ties between equally good places are broken by it, so that a plan does not depend on the
 * order in which hosts were read, and equal hosts are not filled from the first name on.
 */
export function stableKey(id: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at += 1) {
    hash ^= id.charCodeAt(at);
    hash = Math.imul(hash, 0x01000193);
  }
  // A last mixing step (MurmurHash3's finaliser): names that differ in their last digit end up far apart.
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  return hash >>> 0;
}
