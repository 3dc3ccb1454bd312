import type { CST } from "yaml";

/** How deep values are nested in a syntax tree, walked without recursion; stops counting past `enough`. */
export function depthOfToken(root: CST.Token, enough: number): number {
  let deepest = 0;
  const waiting: { token: CST.Token; depth: number }[] = [{ token: root, depth: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { token, depth } = next;
    deepest = Math.max(deepest, depth);
    if (deepest > enough) return deepest;
    if (token.type === "document") {
      if (token.value !== undefined) waiting.push({ token: token.value, depth: depth + 1 });
    } else if (token.type === "block-map" || token.type === "block-seq" || token.type === "flow-collection") {
      for (const item of token.items) {
        if (item.key !== undefined && item.key !== null) waiting.push({ token: item.key, depth: depth + 1 });
        if (item.value !== undefined) waiting.push({ token: item.value, depth: depth + 1 });
      }
    }
  }
  return deepest;
}
