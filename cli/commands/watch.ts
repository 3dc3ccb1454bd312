import { readEvents, watchOperations, type StreamEvent } from "@wcs/api/watch";
import { cell } from "../output/table.ts";
import type { Command, CommandContext } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";

const [watchStream] = watchOperations;
const retryMs = 1000;

export const watch: Command = {
  usage: "[KIND]… [--name NAME]",
  options: {
    name: { type: "string", value: "NAME", help: { en: "only the resource of this name", zh: "仅该名称的资源" } },
    cursor: { type: "string", value: "CURSOR", help: { en: "go on from here", zh: "从该游标继续" } },
  },
  examples: ["wcs watch Host Rack", "wcs watch -o json --cursor …"],
  run: async (context) => {
    let cursor = typeof context.options["cursor"] === "string" ? context.options["cursor"] : undefined;
    while (!context.signal.aborted) {
      const response = await open(context, cursor);
      try {
        for await (const event of readEvents(response)) {
          cursor = event.id ?? cursor;
          show(event, context);
        }
      } catch (error) {
        if (context.signal.aborted) break;
        // The link broke: the cursor resumes without a gap. What the server refuses ends the command, in `open`.
        const why = error instanceof Error ? error.message : String(error);
        context.output.say({
          en: `the stream broke (${why}); going on from the cursor`,
          zh: `连接中断（${why}），从游标继续`,
        });
      }
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
    return exitCodes.ok;
  },
};

async function open({ words, options, client, signal }: CommandContext, cursor: string | undefined): Promise<Response> {
  return await (
    await client()
  ).open(watchStream, {
    query: {
      ...(cursor === undefined ? {} : { cursor }),
      ...(words.length === 0 ? {} : { kinds: words.join(",") }),
      ...(typeof options["name"] === "string" ? { name: options["name"] } : {}),
    },
    signal,
  });
}

function show({ type, data, id }: StreamEvent, { output }: CommandContext): void {
  if (type === "begin") return;
  if (output.format === "json") {
    return output.line(JSON.stringify({ change: type, cursor: id, ...(JSON.parse(data) as object) }));
  }
  const change = JSON.parse(data) as { at: string; kind: string; name: string; version: number };
  output.line(`${change.at}  ${type.padEnd(7)}  ${cell(change.kind)}/${cell(change.name)}  ${change.version}`);
}
