import type { OperationAnswer } from "@wcs/api";
import type { instanceOperations } from "@wcs/api/instance";
import type { templateOperations } from "@wcs/api/template";
import { operationOnWire } from "@wcs/api/wire";
import { shownValue } from "../estate/say-differences.ts";
import { cell } from "../output/table.ts";
import type { CommandContext } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";
import { templateName } from "../resources/template-view.ts";

const diffVersions = operationOnWire<(typeof templateOperations)[3]>("templates.diff");
const listInstances = operationOnWire<(typeof instanceOperations)[0]>("instances.list");
const diffRunning = operationOnWire<(typeof instanceOperations)[2]>("instances.diff");

type RunningDiff = OperationAnswer<typeof diffRunning>;

/** `wcs diff template FROM TO`: two versions. `wcs diff template VERSION [INSTANCE…]`: a version and what runs, of all instances or of these. */
export async function diffTemplate(context: CommandContext): Promise<number> {
  const [, first = "", ...rest] = context.words;
  if (first === "") {
    throw new UsageError(
      "say: template FROM TO, or template VERSION [INSTANCE…], such as template 1001/3",
      "用法：template 旧版本 新版本，或 template 版本 [实例…]，例如 template 1001/3",
    );
  }
  const [second] = rest;
  return second?.includes("/") === true && rest.length === 1
    ? betweenVersions(context, first, second)
    : withRunning(context, first, rest);
}

async function betweenVersions({ client, output }: CommandContext, from: string, to: string): Promise<number> {
  const [old, params] = [templateName(from), templateName(to)];
  if (old.subsystem !== params.subsystem) {
    throw new UsageError("both versions are of one subsystem", "两个版本须属于同一子系统");
  }
  const { body } = await (await client()).call(diffVersions, { params, query: { from: old.version } });
  if (output.format === "json" || output.format === "yaml") await output.document(body);
  else {
    for (const { path, from: before, to: after } of body.differences) {
      output.line(`${cell(path)}: ${shownValue(before)} -> ${shownValue(after)}`);
    }
  }
  return body.differences.length === 0 ? exitCodes.ok : exitCodes.differs;
}

async function withRunning(context: CommandContext, version: string, named: readonly string[]): Promise<number> {
  const { subsystem, version: template } = templateName(version);
  const { output, language } = context;
  const client = await context.client();
  const names = named.length > 0 ? named : await runningInstances(context, subsystem);
  const compared: RunningDiff[] = [];
  for (const name of names) {
    compared.push((await client.call(diffRunning, { params: { name }, query: { template } })).body);
  }
  if (output.format === "json" || output.format === "yaml") await output.document({ instances: compared });
  else {
    for (const { instance, running, differences } of compared) {
      const same = { en: "the same", zh: "一致" }[language];
      output.line(`${instance} (${subsystem}/${running ?? "-"})${differences.length === 0 ? `: ${same}` : ""}`);
      for (const { object, path, running: before, wanted, effect } of differences) {
        output.line(`    ${object} ${cell(path)}: ${shownValue(before)} -> ${shownValue(wanted)} [${effect}]`);
      }
    }
  }
  if (compared.length === 0) output.say({ en: `nothing runs of ${subsystem}`, zh: `${subsystem} 没有运行中的实例` });
  return compared.every(({ differences }) => differences.length === 0) ? exitCodes.ok : exitCodes.differs;
}

/** The instances of a subsystem that a release has brought to life. */
async function runningInstances({ client }: CommandContext, subsystem: string): Promise<readonly string[]> {
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const query = { subsystem, ...(cursor === undefined ? {} : { cursor }) };
    const { body } = await (await client()).call(listInstances, { query });
    names.push(...body.items.filter(({ release }) => release !== null).map(({ name }) => name));
    cursor = body.next ?? undefined;
  } while (cursor !== undefined);
  return names;
}
