import { ProblemError } from "@wcs/api/http";
import { cell } from "../output/table.ts";
import { exitCodeOf, exitCodes } from "./exit-codes.ts";
import type { Language } from "./texts.ts";

/** Says on stderr what went wrong, each error with its place; returns the exit code. */
export function reportFailure(error: unknown, stderr: (text: string) => void, language: Language): number {
  if (error instanceof ProblemError) {
    const { problem } = error;
    stderr(`wcs: ${cell(problem.title)}${problem.detail === undefined ? "" : `: ${cell(problem.detail)}`}\n`);
    for (const { line, column, pointer, kind, name, message } of problem.errors ?? []) {
      const place = line === undefined ? pointer : `${line}${column === undefined ? "" : `:${column}`}`;
      const what = kind === undefined ? "" : `${kind} ${name ?? ""}: `;
      stderr(`  ${place === undefined || place === "" ? "" : `${cell(place)}: `}${cell(`${what}${message}`)}\n`);
    }
    stderr(`  (${problem.code}${problem.instance === undefined ? "" : `, ${problem.instance}`})\n`);
    return exitCodeOf(problem);
  }
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  const why = cause instanceof Error ? cause.message || code : String(cause);
  const isNetwork = error instanceof TypeError && error.message === "fetch failed";
  const en = isNetwork ? `the server can't be reached: ${why}` : why;
  const zh = isNetwork ? `无法连接服务：${why}` : why;
  stderr(`wcs: ${cell(language === "zh" ? zh : en)}\n`);
  return exitCodes.failed;
}
