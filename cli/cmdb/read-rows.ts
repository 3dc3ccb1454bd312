import type { ImportRow } from "@wcs/core/estate";
import { estateKindNames, importPathPattern, type EstateKind } from "@wcs/core/estate";
import { CsvError, parse } from "csv-parse/sync";
import type { Text } from "../program/texts.ts";

/** A row with the line of the file that it stands on. */
export type PlacedRow = ImportRow & Readonly<{ line: number }>;

/** Something wrong with the file itself. */
export type RowFault = Readonly<{ line: number; code: string; message: Text }>;

/** What the file says, or all that is wrong with its form. */
export type ReadRows = Readonly<{ rows: readonly PlacedRow[]; faults: readonly RowFault[] }>;

const mostCharacters = 32 * 1024 * 1024;

/**
 * Reads CSV (RFC 4180) whose first line names the columns: `name`, `kind` unless `kind` is given for all, and paths of fields. What the fields say, the server
 * checks.
 */
export function readRows(text: string, kind: EstateKind | null): ReadRows {
  const fault = (line: number, code: string, en: string, zh: string): ReadRows => ({
    rows: [],
    faults: [{ line, code, message: { en, zh } }],
  });
  if (text.length > mostCharacters) {
    return fault(1, "file-too-large", `the file is longer than ${mostCharacters} characters`, "文件过大");
  }
  let records: readonly Readonly<{ record: readonly string[]; info: Readonly<{ lines: number }> }>[];
  try {
    records = parse(text, {
      bom: true,
      info: true,
      skip_empty_lines: true,
      trim: true,
      relax_column_count: true,
    }) as never;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = (error as unknown as Readonly<{ lines?: number }>).lines ?? 1;
    return fault(line, "file-syntax", `this is not CSV: ${error.message}`, `CSV 语法错误：${error.message}`);
  }
  const [header, ...lines] = records;
  if (header === undefined) return fault(1, "file-syntax", "the file is empty", "文件为空");
  const columns = header.record;
  const faults = columnFaults(columns, kind).map((message) => ({
    line: header.info.lines,
    code: "column-unknown",
    message,
  }));
  if (faults.length > 0) return { rows: [], faults };
  return rowsOf(columns, lines, kind);
}

function columnFaults(columns: readonly string[], kind: EstateKind | null): readonly Text[] {
  const faults: Text[] = [];
  const seen = new Set<string>();
  const path = new RegExp(importPathPattern);
  for (const column of columns) {
    if (seen.has(column)) faults.push({ en: `the column ${column} is there twice`, zh: `列 ${column} 重复` });
    seen.add(column);
    if (!path.test(column)) {
      faults.push({
        en: `"${column}" is no path of a field, such as rack or capacity.cpuMilli`,
        zh: `"${column}" 不是字段路径（如 rack、capacity.cpuMilli）`,
      });
    }
  }
  if (!seen.has("name")) faults.push({ en: "there is no column name", zh: "缺少 name 列" });
  if (kind === null && !seen.has("kind")) {
    faults.push({
      en: "there is no column kind: add it, or give --kind",
      zh: "缺少 kind 列：请添加，或用 --kind 指定",
    });
  }
  return faults;
}

function rowsOf(
  columns: readonly string[],
  lines: readonly Readonly<{ record: readonly string[]; info: Readonly<{ lines: number }> }>[],
  given: EstateKind | null,
): ReadRows {
  const rows: PlacedRow[] = [];
  const faults: RowFault[] = [];
  for (const { record, info } of lines) {
    const line = info.lines;
    if (record.length !== columns.length) {
      const [en, zh] = [
        `has ${record.length} values, not ${columns.length}`,
        `有 ${record.length} 个值，应为 ${columns.length} 个`,
      ];
      faults.push({ line, code: "row-length", message: { en, zh } });
      continue;
    }
    const values = Object.fromEntries(columns.map((column, at) => [column, record[at] ?? ""]));
    const { name = "", kind: ownKind = "", ...fields } = values;
    const kind =
      ownKind === "" ? given : (estateKindNames.find((each) => each.toLowerCase() === ownKind.toLowerCase()) ?? null);
    if (kind === null) {
      const known = estateKindNames.join(", ");
      faults.push({
        line,
        code: "kind-unknown",
        message: {
          en: `there is no kind "${ownKind}"; write one of: ${known}`,
          zh: `不存在类型 "${ownKind}"；可用：${known}`,
        },
      });
    } else if (name === "") {
      faults.push({ line, code: "field-missing", message: { en: "the row has no name", zh: "该行缺少 name" } });
    } else {
      rows.push({ kind, name, values: fields, line });
    }
  }
  return { rows, faults };
}
