import { cell } from "../output/table.ts";
import type { Output } from "../output/output.ts";
import type { PlacedFault } from "./send-estate-files.ts";

/** Says every fault, each with its place; as data when JSON or YAML is wanted. */
export async function sayFaults(output: Output, faults: readonly PlacedFault[]): Promise<void> {
  if (output.format === "json" || output.format === "yaml") {
    await output.document({ faults });
  } else {
    for (const { file, line, column, message, code } of faults) {
      const text = `${cell(file)}:${line}:${column}: ${cell(message)} [${code}]`;
      output.say({ en: text, zh: text });
    }
  }
  const count = faults.length;
  output.say({
    en: `wcs: ${count} ${count === 1 ? "fault" : "faults"}; nothing was changed`,
    zh: `wcs: 共 ${count} 处错误，未做任何变更`,
  });
}
