import { fileOption, readEstateSources } from "../estate/read-estate-sources.ts";
import { sayDifferences } from "../estate/say-differences.ts";
import { sayFaults } from "../estate/say-faults.ts";
import { sendEstateFiles } from "../estate/send-estate-files.ts";
import { diffTemplate } from "./diff-template.ts";
import type { Command } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";

export const diff: Command = {
  usage: "-f FILE… | template FROM TO | template VERSION [INSTANCE…]",
  options: fileOption,
  examples: ["wcs diff -f estate.yaml", "wcs diff template 1001/2 1001/3", "wcs diff template 1001/3"],
  complete: async (words) => (words.length <= 1 ? ["template"] : []),
  run: async (context) => {
    if (context.words[0] === "template") return diffTemplate(context);
    const { output } = context;
    const sent = await sendEstateFiles(context, await readEstateSources(context), true);
    if ("faults" in sent) {
      await sayFaults(output, sent.faults);
      // 1 says that the files differ; a file that can't be applied is something else.
      return exitCodes.usage;
    }
    const differing = sent.answer.outcomes.filter(({ action }) => action !== "unchanged");
    if (output.format === "json" || output.format === "yaml") {
      await output.document({ differences: differing });
    } else {
      sayDifferences(output, differing);
    }
    return differing.length === 0 ? exitCodes.ok : exitCodes.differs;
  },
};
