import { Composer, LineCounter, Parser, type CST, type Document } from "yaml";
import { faultMessages, type EstateFault, type FaultValues, type FieldPath } from "../faults/estate-fault.ts";
import type { EstateFaultCode } from "../faults/fault-texts.ts";
import { depthOfToken } from "./depth-of-token.ts";
import { positionInDocument, type FilePosition } from "./position-in-document.ts";

/** What a file may be at most. */
export const estateFileLimits = { characters: 32 * 1024 * 1024, documents: 100_000, depth: 16, aliases: 100 } as const;

/** A document of a file, not checked yet. `whole: false`: its syntax is broken, and `value` is what could still be read of it. */
export type EstateFileDocument = Readonly<{
  value: unknown;
  whole: boolean;
  /** Where a field is, or the nearest that there is above it. */
  position: (path: FieldPath, at: "key" | "value") => FilePosition;
}>;

/** A fault with its place in the file. */
export type LocatedFault = EstateFault & FilePosition;

/** What a file says. `change` of a fault is the document's place in `documents`. */
export type EstateFile = Readonly<{ documents: readonly EstateFileDocument[]; faults: readonly LocatedFault[] }>;

/**
 * Reads a file of estate documents: YAML 1.2 or JSON; documents separated by `---`, lists of them, or `items` as `wcs get` prints them. Every fault of syntax is in
 * `faults`; what the documents say is not checked. Work and memory are bounded by `estateFileLimits`.
 */
export function parseEstateFile(text: string): EstateFile {
  const documents: EstateFileDocument[] = [];
  const faults: LocatedFault[] = [];
  const lines = new LineCounter();
  const report = (code: EstateFaultCode, offset: number, values: FaultValues): void => {
    const { line, col } = lines.linePos(offset);
    const place = { change: documents.length, path: [], at: "value" as const };
    faults.push({ code, ...place, ...faultMessages(code, values), line: Math.max(line, 1), column: Math.max(col, 1) });
  };
  if (text.length > estateFileLimits.characters) {
    report("file-too-large", 0, { size: text.length, most: estateFileLimits.characters });
    return { documents, faults };
  }
  const composer = new Composer({
    keepSourceTokens: false,
    prettyErrors: false,
    uniqueKeys: true,
    version: "1.2",
  });
  for (const document of composer.compose(
    shallowTokens(new Parser(lines.addNewLine).parse(text), report),
    true,
    text.length,
  )) {
    const broken = reportErrors(document, report);
    const add = (value: unknown, base: FieldPath): void => {
      documents.push({
        value,
        whole: !broken,
        position: (path, at) => positionInDocument(document, lines, [...base, ...path], at),
      });
    };
    const value = valueOf(document, report);
    if (value === undefined || (value === null && !broken)) continue;
    const items = itemsOf(value);
    if (Array.isArray(value)) value.forEach((item, at) => add(item, [at]));
    else if (items !== null) items.forEach((item, at) => add(item, ["items", at]));
    else add(value, []);
    if (documents.length > estateFileLimits.documents) {
      report("too-many-documents", document.range[0], { most: estateFileLimits.documents });
      return { documents: documents.slice(0, estateFileLimits.documents), faults };
    }
  }
  return { documents, faults };
}

type Report = (code: EstateFaultCode, offset: number, values: FaultValues) => void;

/** Lets documents through that are not nested too deep: composing is recursive, parsing is not. */
function* shallowTokens(tokens: Iterable<CST.Token>, report: Report): Generator<CST.Token> {
  for (const token of tokens) {
    if (token.type !== "document" || depthOfToken(token, estateFileLimits.depth) <= estateFileLimits.depth) yield token;
    else report("too-deep", token.offset, { most: estateFileLimits.depth });
  }
}

/** Reports what the YAML parser found; true when the document's content can't be relied on. */
function reportErrors(document: Document, report: Report): boolean {
  let broken = false;
  for (const error of [...document.errors, ...document.warnings]) {
    if (error.code === "DUPLICATE_KEY") {
      report("duplicate-key", error.pos[0], {});
    } else {
      broken = true;
      report("file-syntax", error.pos[0], { reason: error.message });
    }
  }
  return broken;
}

function valueOf(document: Document, report: Report): unknown {
  try {
    return document.toJS({ maxAliasCount: estateFileLimits.aliases });
  } catch (error) {
    // toJS refuses aliases: too many of them, or one without an anchor.
    if (!(error instanceof ReferenceError)) throw error;
    const offset = document.range?.[0] ?? 0;
    if (/alias count/i.test(error.message)) report("alias-limit", offset, { most: estateFileLimits.aliases });
    else report("file-syntax", offset, { reason: error.message });
    return undefined;
  }
}

/** The list of an object that has `items` and nothing else; null for anything else. */
function itemsOf(value: unknown): readonly unknown[] | null {
  if (typeof value !== "object" || value === null || Object.keys(value).length !== 1) return null;
  const { items } = value as Readonly<{ items?: unknown }>;
  return Array.isArray(items) ? items : null;
}
