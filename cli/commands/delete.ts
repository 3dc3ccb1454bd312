import type { Command } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";
import { findResource, resources } from "../resources/resources.ts";

export const deleteCommand: Command = {
  usage: "RESOURCE NAME…",
  options: {},
  examples: ["wcs delete host idc1-r1-h1 --reason 'broken mainboard'"],
  complete: async (words) => (words.length <= 1 ? resources.map(({ nouns }) => nouns[0] ?? "") : []),
  run: async ({ words, client, output, confirm, act, isDryRun }) => {
    const [noun, ...names] = words;
    const resource = await findResource(noun);
    const { remove } = resource;
    if (remove === undefined) throw new UsageError(`${noun} can't be deleted`, `${noun} 不能删除`);
    if (names.length === 0) throw new UsageError("name what to delete", "请指定要删除的资源名称");
    const list = names.join(", ");
    if (!isDryRun && !(await confirm({ en: `Delete ${noun} ${list}?`, zh: `删除 ${noun} ${list}？` }))) {
      return exitCodes.failed;
    }
    for (const name of names) {
      await remove(await client(), name, { ...act(), dryRun: isDryRun });
      const note = isDryRun ? { en: " (dry run)", zh: "（试运行）" } : { en: "", zh: "" };
      output.say({ en: `${noun} ${name} deleted${note.en}`, zh: `${noun} ${name} 已删除${note.zh}` });
    }
    return exitCodes.ok;
  },
};
