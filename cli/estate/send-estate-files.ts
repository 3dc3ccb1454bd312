import type { OperationAnswer, ProblemDetail } from "@wcs/api";
import { ProblemError } from "@wcs/api/http";
import { changeEstate } from "@wcs/api/estate";
import { parseEstateFile, type EstateFileDocument } from "@wcs/core/estate";
import type { CommandContext } from "../program/command.ts";
import type { Language } from "../program/texts.ts";

/** A file of estate documents. */
export type EstateSource = Readonly<{ file: string; text: string }>;

/** A fault with its place: `estate.yaml:12:5`. */
export type PlacedFault = Readonly<{ file: string; line: number; column: number; code: string; message: string }>;

/** What the server did or would do, or all that is wrong with the files. */
export type SentEstate =
  | Readonly<{ answer: OperationAnswer<typeof changeEstate> }>
  | Readonly<{ faults: readonly PlacedFault[] }>;

/**
 * Sends files as one change, all or nothing. The server checks what the files say; faults of syntax are found here. So that all come at once, a
 * file that has the latter is sent as a dry run.
 */
export async function sendEstateFiles(
  { client, act, language }: CommandContext,
  sources: readonly EstateSource[],
  dryRun: boolean,
): Promise<SentEstate> {
  const faults: PlacedFault[] = [];
  const documents: (EstateFileDocument & Readonly<{ file: string }>)[] = [];
  for (const { file, text } of sources) {
    const parsed = parseEstateFile(text);
    for (const { line, column, code, message, remedy } of parsed.faults) {
      faults.push({ file, line, column, code, message: sentence(language, message, remedy) });
    }
    for (const document of parsed.documents) documents.push({ ...document, file });
  }
  try {
    const body = { documents: documents.map(({ value }) => value ?? null) };
    const query = { dryRun: dryRun || faults.length > 0 };
    const { body: answer } = await (await client()).call(changeEstate, { query, body, ...act() });
    return faults.length === 0 ? { answer } : { faults };
  } catch (error) {
    if (!(error instanceof ProblemError) || !isAboutDocuments(error)) throw error;
    for (const detail of error.problem.errors ?? []) {
      const placed = place(documents, detail);
      if (placed !== null) faults.push(placed);
    }
    const order = new Map(sources.map(({ file }, at) => [file, at]));
    const rank = ({ file }: PlacedFault) => order.get(file) ?? 0;
    faults.sort((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column);
    return { faults };
  }
}

const isAboutDocuments = ({ problem }: ProblemError): boolean =>
  problem.errors?.some(({ pointer }) => pointer?.startsWith("/documents/") === true) === true;

/** Where in its file a detail is; null when the document's syntax is broken, which has been told. */
function place(
  documents: readonly (EstateFileDocument & Readonly<{ file: string }>)[],
  { pointer = "", kind, name, code = "", message }: ProblemDetail,
): PlacedFault | null {
  const [, , index, ...parts] = pointer.split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const document = documents[Number(index)];
  if (document === undefined || !document.whole) return null;
  let value = document.value;
  const path = parts.map((part) => {
    const step = Array.isArray(value) ? Number(part) : part;
    value = (value as Readonly<Record<string | number, unknown>> | null | undefined)?.[step];
    return step;
  });
  const position = document.position(path, code === "field-unknown" ? "key" : "value");
  const who = kind === undefined ? "" : `${kind} ${name ?? ""}: `;
  return { file: document.file, ...position, code, message: `${who}${message}` };
}

/** What was wrong and what to do, as one sentence. */
function sentence(
  language: Language,
  message: Readonly<Record<Language, string>>,
  remedy: Readonly<Record<Language, string>>,
): string {
  return language === "zh" ? `${message.zh}；${remedy.zh}` : `${message.en}; ${remedy.en}`;
}
