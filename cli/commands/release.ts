import type { releaseOperations } from "@wcs/api/release";
import { operationOnWire } from "@wcs/api/wire";
import { cell } from "../output/table.ts";
import type { Command, CommandContext } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";
import { releaseView, targetView, type Release } from "../resources/release-view.ts";
import { releaseBodyOf, releaseOptions } from "./release-body.ts";

const create = operationOnWire<(typeof releaseOperations)[1]>("releases.create");
const get = operationOnWire<(typeof releaseOperations)[2]>("releases.get");
const start = operationOnWire<(typeof releaseOperations)[5]>("releases.start");
const pause = operationOnWire<(typeof releaseOperations)[6]>("releases.pause");
const goOn = operationOnWire<(typeof releaseOperations)[7]>("releases.continue");
const abort = operationOnWire<(typeof releaseOperations)[8]>("releases.abort");
const rollBack = operationOnWire<(typeof releaseOperations)[9]>("releases.roll-back");
const deeds = ["create", "show", "start", "pause", "continue", "abort", "roll-back"];

export const release: Command = {
  usage:
    "create --subsystem ID --environment NAME --template N --image-digest HASH | show|start|pause|continue|abort|roll-back ID",
  options: releaseOptions,
  examples: [
    "wcs release create --subsystem 1001 --environment production --template 3 --image-digest sha256:… --rollback-to previous --dry-run",
    "wcs release start r-7",
    "wcs release roll-back r-7 --to r-5",
  ],
  complete: async (words) => (words.length <= 1 ? deeds : []),
  run: async (context) => {
    const [deed = "", id, ...more] = context.words;
    if (!deeds.includes(deed) || more.length > 0 || (deed === "create") !== (id === undefined)) {
      throw new UsageError(
        `say create, or ${deeds.slice(1).join(", ")} with an ID`,
        `用法：create，或 ${deeds.slice(1).join("、")} 加编号`,
      );
    }
    const client = await context.client();
    const query = { dryRun: context.isDryRun };
    if (id === undefined) {
      const body = releaseBodyOf(context.options);
      return shown(context, (await client.call(create, { body, query, ...context.act() })).body, true);
    }
    if (deed === "show") return shown(context, (await client.call(get, { params: { id } })).body, true);
    const shared = { params: { id }, query, ...context.act() };
    switch (deed) {
      case "start": {
        const breakGlass = context.options["break-glass"];
        const body = typeof breakGlass === "string" ? { breakGlass } : {};
        return shown(context, (await client.call(start, { ...shared, body })).body);
      }
      case "pause":
        return shown(context, (await client.call(pause, { ...shared, body: {} })).body);
      case "continue":
        return shown(context, (await client.call(goOn, { ...shared, body: {} })).body);
      case "abort":
        return shown(context, (await client.call(abort, { ...shared, body: {} })).body);
      default: {
        const to = context.options["to"];
        const body = typeof to === "string" ? { to } : {};
        const question = { en: `Take ${id} back?`, zh: `回滚 ${id}？` };
        if (!context.isDryRun && !(await context.confirm(question))) return exitCodes.failed;
        return shown(context, (await client.call(rollBack, { ...shared, body })).body);
      }
    }
  },
};

type Failure = NonNullable<Release["targets"][number]["failure"]>;

/** Why an instance failed: what its cluster had to say of it, and the last that it wrote. */
function tellFailure(output: CommandContext["output"], instance: string, failure: Failure): void {
  output.line(`${instance}: ${cell(failure.summary)}`);
  output.line(`  → ${cell(failure.hint)}`);
  for (const event of failure.events) output.line(`  * ${cell(event)}`);
  for (const line of failure.logLines) output.line(`  | ${cell(line)}`);
}

async function shown({ output }: CommandContext, release: Release, whole = false): Promise<number> {
  await output.one(release, releaseView.view);
  if (whole && (output.format === "table" || output.format === "wide")) {
    await output.list(release.targets, targetView);
    for (const { instance, failure } of release.targets) if (failure !== null) tellFailure(output, instance, failure);
  }
  if (release.state === "awaiting-approval") {
    output.say({
      en: `It waits for approval: wcs approve release ${release.id}`,
      zh: `等待审批：wcs approve release ${release.id}`,
    });
    return exitCodes.waitsForApproval;
  }
  return release.state === "failed" ? exitCodes.failed : exitCodes.ok;
}
