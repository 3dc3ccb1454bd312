import type { Ipv4Prefix } from "@wcs/core/ipv4";

type PrefixNode = { zero?: PrefixNode; one?: PrefixNode; entries: Map<string, Ipv4Prefix> };

/**
 * Named IPv4 networks by their bits. What overlaps a network stands above it or below it in the tree, so that finding it takes
 * 32 steps and one for each that is found, however many there are.
 */
export type PrefixTree = Readonly<{ root: PrefixNode }>;

export function createPrefixTree(): PrefixTree {
  return { root: { entries: new Map() } };
}

/** Adds a network under a name. */
export function addPrefix(tree: PrefixTree, name: string, prefix: Ipv4Prefix): void {
  let node = tree.root;
  for (let depth = 0; depth < prefix.length; depth += 1) {
    const side = sideOf(prefix, depth);
    node = node[side] ??= { entries: new Map() };
  }
  node.entries.set(name, prefix);
}

/** Takes a network out, and the branch that only it needed. */
export function removePrefix(tree: PrefixTree, name: string, prefix: Ipv4Prefix): void {
  const way: PrefixNode[] = [tree.root];
  for (let depth = 0; depth < prefix.length; depth += 1) {
    const next = way.at(-1)?.[sideOf(prefix, depth)];
    if (next === undefined) return;
    way.push(next);
  }
  way.at(-1)?.entries.delete(name);
  for (let depth = way.length - 1; depth > 0; depth -= 1) {
    const node = way[depth];
    if (node === undefined || node.entries.size > 0 || node.zero !== undefined || node.one !== undefined) return;
    delete way[depth - 1]?.[sideOf(prefix, depth - 1)];
  }
}

/** The names of the networks that share an address with `prefix`. */
export function overlappingPrefixes(tree: PrefixTree, prefix: Ipv4Prefix): readonly string[] {
  const found: string[] = [];
  let node: PrefixNode | undefined = tree.root;
  for (let depth = 0; depth < prefix.length && node !== undefined; depth += 1) {
    found.push(...node.entries.keys());
    node = node[sideOf(prefix, depth)];
  }
  const waiting = node === undefined ? [] : [node];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    found.push(...next.entries.keys());
    if (next.zero !== undefined) waiting.push(next.zero);
    if (next.one !== undefined) waiting.push(next.one);
  }
  return found;
}

function sideOf(prefix: Ipv4Prefix, depth: number): "zero" | "one" {
  return ((prefix.first >>> (31 - depth)) & 1) === 0 ? "zero" : "one";
}
