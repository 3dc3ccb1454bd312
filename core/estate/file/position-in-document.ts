import { isAlias, isMap, isNode, isScalar, isSeq, type Document, type LineCounter, type Node } from "yaml";
import type { FieldPath } from "../faults/estate-fault.ts";

/** A place in a file; both count from 1. */
export type FilePosition = Readonly<{ line: number; column: number }>;

/** Where a field's name or value is; for a field that is not there, the nearest above it that is. */
export function positionInDocument(
  document: Document,
  lines: LineCounter,
  path: FieldPath,
  at: "key" | "value",
): FilePosition {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0] ?? document.range?.[0] ?? 0;
  for (const [depth, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    const found: Found | null = memberOf(node, part);
    if (found === null) break;
    const last = depth === path.length - 1;
    offset =
      (last && at === "key" ? found.keyOffset : undefined) ?? found.node?.range?.[0] ?? found.keyOffset ?? offset;
    // A collection begins at its first field, which may be what is wrong or not; its own name tells more.
    if (!last && found.keyOffset !== undefined) offset = found.keyOffset;
    if (last && !isScalar(found.node) && found.keyOffset !== undefined) offset = found.keyOffset;
    node = found.node;
  }
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

type Found = Readonly<{ node: Node | null; keyOffset: number | undefined }>;

function memberOf(node: Node | null, part: string | number): Found | null {
  if (isSeq(node) && typeof part === "number") {
    const item = node.items[part];
    return isNode(item) ? { node: item, keyOffset: undefined } : null;
  }
  if (!isMap(node)) return null;
  const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
  if (pair === undefined || !isScalar(pair.key)) return null;
  return { node: isNode(pair.value) ? pair.value : null, keyOffset: pair.key.range?.[0] };
}
