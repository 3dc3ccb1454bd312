import { readFile } from "node:fs/promises";
import { ProblemError } from "@wcs/api/http";
import { importEstate } from "@wcs/api/estate";
import { estateKindNames, type EstateKind } from "@wcs/core/estate";
import { sayFaults } from "../estate/say-faults.ts";
import { sayOutcomes } from "../estate/say-outcomes.ts";
import type { PlacedFault } from "../estate/send-estate-files.ts";
import type { CommandContext } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";
import { readRows, type PlacedRow } from "./read-rows.ts";

/** `wcs cmdb import`: brings a CSV file over what is there, all or nothing, and shows each difference. */
export async function importRows(context: CommandContext): Promise<number> {
  const { options, output, isDryRun, act, client, language } = context;
  const file = options["file"];
  if (typeof file !== "string") throw new UsageError("give -f FILE", "请指定 -f FILE");
  const text = file === "-" ? await context.readStdin() : await read(file);
  const shownFile = file === "-" ? "stdin" : file;
  const { rows, faults: formFaults } = readRows(text, kindOf(options["kind"]));
  const faults: PlacedFault[] = formFaults.map(({ line, code, message }) => ({
    file: shownFile,
    line,
    column: 1,
    code,
    message: message[language],
  }));
  // What the file says is checked even when its form has faults, so that all come at once.
  const dryRun = isDryRun || faults.length > 0;
  try {
    const body = { rows: rows.map(({ kind, name, values }) => ({ kind, name, values })) };
    const { body: answer } = await (await client()).call(importEstate, { query: { dryRun }, body, ...act() });
    if (faults.length === 0) {
      await sayOutcomes(context, answer);
      return exitCodes.ok;
    }
  } catch (error) {
    if (!(error instanceof ProblemError) || !isAboutRows(error)) throw error;
    for (const { pointer = "", kind, name, code = "", message } of error.problem.errors ?? []) {
      const [, , at, , ...path] = pointer.split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
      const row: PlacedRow | undefined = rows[Number(at)];
      const column = path.length === 0 ? "" : `${path.join("/")}: `;
      faults.push({
        file: shownFile,
        line: row?.line ?? 1,
        column: 1,
        code,
        message: `${kind ?? ""} ${name ?? ""}: ${column}${message}`,
      });
    }
  }
  faults.sort((a, b) => a.line - b.line);
  await sayFaults(output, faults);
  return exitCodes.failed;
}

const isAboutRows = ({ problem }: ProblemError): boolean =>
  problem.errors?.some(({ pointer }) => pointer?.startsWith("/rows/") === true) === true;

function kindOf(value: unknown): EstateKind | null {
  if (value === undefined) return null;
  const text = (typeof value === "string" ? value : "").toLowerCase();
  const kind = estateKindNames.find((each) => each.toLowerCase() === text);
  if (kind !== undefined) return kind;
  const known = estateKindNames.join(", ");
  throw new UsageError(`--kind ${text}: not one of ${known}`, `--kind ${text}：应为 ${known} 之一`);
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${file} can't be read: ${why}`, `无法读取 ${file}：${why}`);
  }
}
