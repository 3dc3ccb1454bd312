import type { Command } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";
import { findResource, resources } from "../resources/resources.ts";

export const describe: Command = {
  usage: "RESOURCE NAME",
  options: {},
  examples: ["wcs describe host idc1-r1-h1"],
  complete: async (words) => (words.length <= 1 ? resources.map(({ nouns }) => nouns[0] ?? "") : []),
  run: async ({ words, client, output }) => {
    const [noun, name, ...more] = words;
    const resource = await findResource(noun);
    if (name === undefined || more.length > 0) throw new UsageError("name one resource", "请指定一个资源名称");
    const all = resource.describe ?? resource.get;
    if (all === undefined) throw new UsageError(`${noun} can't be described`, `${noun} 不支持查看详情`);
    await output.document(await all(await client(), name));
    return exitCodes.ok;
  },
};
