import type { EstateFault, FieldPath } from "@wcs/core/estate";
import { Failure } from "../http/failure.ts";

// An answer stays readable, and its size bounded: a file with more faults than this has one fault many times.
const mostErrors = 1000;

/** The refusal that carries the faults. `resource.referenced` when all that is wrong is that something needs what was to be deleted. */
export function failureOfFaults(
  faults: readonly EstateFault[],
  options: Readonly<{
    language: "en" | "zh";
    pointerOf: (change: number) => string;
    placeOf?: (change: number, path: FieldPath) => FieldPath;
  }>,
): Failure {
  const { language, pointerOf, placeOf = (_change, path) => path } = options;
  const errors = faults.slice(0, mostErrors).map(({ code, change, kind, name, path, message, remedy }) => ({
    pointer: [
      pointerOf(change),
      ...placeOf(change, path).map((part) => String(part).replaceAll("~", "~0").replaceAll("/", "~1")),
    ].join("/"),
    ...(kind === undefined ? {} : { kind }),
    ...(name === undefined ? {} : { name }),
    code,
    message: language === "zh" ? `${message.zh}；${remedy.zh}` : `${message.en}; ${remedy.en}`,
  }));
  const onlyReferences = faults.every(({ code }) => code === "still-referenced");
  const more = faults.length > mostErrors ? ` (the first ${mostErrors} are told)` : "";
  const detail =
    language === "zh"
      ? `共 ${faults.length} 处错误，未做任何变更`
      : `${faults.length} faults${more}; nothing was changed`;
  return new Failure(onlyReferences ? "resource.referenced" : "estate.invalid", detail, { errors });
}
