import { fileOption, readEstateSources } from "../estate/read-estate-sources.ts";
import { sayFaults } from "../estate/say-faults.ts";
import { sayOutcomes } from "../estate/say-outcomes.ts";
import { sendEstateFiles } from "../estate/send-estate-files.ts";
import type { Command } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";

export const apply: Command = {
  usage: "-f FILE…",
  options: fileOption,
  examples: ["wcs apply -f estate.yaml --dry-run", "wcs-lab estate | wcs apply -f -"],
  run: async (context) => {
    const { output, isDryRun } = context;
    const sent = await sendEstateFiles(context, await readEstateSources(context), isDryRun);
    if ("faults" in sent) {
      await sayFaults(output, sent.faults);
      return exitCodes.failed;
    }
    await sayOutcomes(context, sent.answer, false);
    return exitCodes.ok;
  },
};
