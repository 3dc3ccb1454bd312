import type { Language, Text } from "../program/texts.ts";
import { UsageError } from "../program/usage-error.ts";
import { formatTable, type Column } from "./table.ts";

const formats = ["table", "wide", "json", "yaml", "name"] as const;
type OutputFormat = (typeof formats)[number];

/** How a command says things: data on stdout, the rest on stderr. */
export type Output = Readonly<{
  format: OutputFormat;
  /** A list, as the format says. */
  list: <T>(items: readonly T[], view: ListView<T>) => Promise<void>;
  /** One thing: as a table's row, or whole as JSON or YAML. */
  one: <T>(item: T, view: ListView<T>) => Promise<void>;
  /** Data as JSON, or as YAML unless the format says JSON. */
  document: (value: unknown) => Promise<void>;
  /** A line of data. */
  line: (text: string) => void;
  /** A line for the person. */
  say: (text: Text) => void;
}>;

/** How items show in a table and by name. */
export type ListView<T> = Readonly<{ columns: readonly Column<T>[]; nameOf: (item: T) => string }>;

export type OutputOptions = Readonly<{
  format: string | undefined;
  language: Language;
  stdout: (text: string) => void;
  stderr: (text: string) => void;
}>;

export function createOutput({ format = "table", language, stdout, stderr }: OutputOptions): Output {
  const known = formats.find((each) => each === format);
  if (known === undefined) {
    throw new UsageError(
      `-o ${format}: not one of ${formats.join(", ")}`,
      `-o ${format}：应为 ${formats.join("、")} 之一`,
    );
  }
  const line = (text: string): void => stdout(`${text}\n`);
  const document = async (value: unknown): Promise<void> => {
    if (known === "json") return line(JSON.stringify(value, null, 2));
    const { stringify } = await import("yaml");
    stdout(stringify(value, { lineWidth: 120, aliasDuplicateObjects: false }));
  };
  const rows = <T>(items: readonly T[], { columns, nameOf }: ListView<T>): void => {
    if (known === "name") for (const item of items) line(nameOf(item));
    else for (const row of formatTable(items, columns, { language, wide: known === "wide" })) line(row);
  };
  return {
    format: known,
    list: async (items, view) => (known === "json" || known === "yaml" ? await document({ items }) : rows(items, view)),
    one: async (item, view) => (known === "json" || known === "yaml" ? await document(item) : rows([item], view)),
    document,
    line,
    say: (text) => stderr(`${text[language]}\n`),
  };
}
