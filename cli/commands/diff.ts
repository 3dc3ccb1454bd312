import { fileOption, readEstateSources } from "../estate/read-estate-sources.ts";
import { sayFaults } from "../estate/say-faults.ts";
import { sendEstateFiles } from "../estate/send-estate-files.ts";
import { cell } from "../output/table.ts";
import type { Command } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";

const marks = { created: "+", changed: "~", deleted: "-", unchanged: " " } as const;

export const diff: Command = {
  usage: "-f FILE…",
  options: fileOption,
  examples: ["wcs diff -f estate.yaml"],
  run: async (context) => {
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
      for (const { kind, name, action, differences = [] } of differing) {
        output.line(`${marks[action]} ${kind} ${cell(name)}`);
        for (const { path, from, to } of differences) output.line(`    ${cell(path)}: ${shown(from)} -> ${shown(to)}`);
      }
    }
    return differing.length === 0 ? exitCodes.ok : exitCodes.differs;
  },
};

const shown = (value: unknown): string => (value === undefined ? "-" : cell(JSON.stringify(value)));
