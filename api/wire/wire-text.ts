import type { Operation } from "../http/operation.ts";

/** The source of wire-table.ts, made from the operations. */
export function wireText(operations: readonly Operation[]): string {
  const rows = operations
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, method, path, bodyMediaType, answerMediaType }) => {
      const more = JSON.stringify({ bodyMediaType, answerMediaType });
      return `  "${id}": ["${method}", "${path}"${more === "{}" ? "" : `, ${more}`}],`;
    });
  return `import type { Operation } from "../http/operation.ts";

type Row = readonly [
  method: Operation["method"],
  path: string,
  more?: Pick<Operation, "bodyMediaType" | "answerMediaType">,
];

/** What every operation is on the wire, by its id. Made by write-wire-table.ts from the operations; a test says when it is stale. */
export const wireTable: Readonly<Record<string, Row>> = {
${rows.join("\n")}
};
`;
}
