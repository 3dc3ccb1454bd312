import type { ipamOperations } from "@wcs/api/ipam";
import { operationOnWire } from "@wcs/api/wire";
import type { Command, CommandContext } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";
import { ipView } from "../resources/ip-view.ts";

const get = operationOnWire<(typeof ipamOperations)[1]>("ips.get");
const assign = operationOnWire<(typeof ipamOperations)[2]>("ips.assign");
const release = operationOnWire<(typeof ipamOperations)[3]>("ips.release");
const block = operationOnWire<(typeof ipamOperations)[4]>("ips.block");
const clear = operationOnWire<(typeof ipamOperations)[5]>("ips.clear");
const verbs = ["assign", "release", "block", "clear"];

/** What people do to an address by hand; the reason goes into its history. */
export const ip: Command = {
  usage: "assign IP --for vm/NAME|device/NAME | release IP | block IP | clear IP",
  options: {
    for: {
      type: "string",
      value: "KIND/NAME",
      help: { en: "who gets it: vm/NAME or device/NAME", zh: "分配对象：vm/NAME 或 device/NAME" },
    },
    business: { type: "string", value: "NAME", help: { en: "the business that it is for", zh: "所属业务部门" } },
  },
  examples: [
    'wcs ip assign 10.71.1.105 --for device/f5-01 --reason "virtual server for payments"',
    'wcs ip release 10.71.1.105 --reason "the F5 is gone"',
    'wcs ip block 10.71.1.106 --reason "an unknown machine answers for it"',
  ],
  complete: async (words) => (words.length <= 1 ? verbs : []),
  run: async (context) => {
    const [verb = "", address, ...more] = context.words;
    if (!verbs.includes(verb) || address === undefined || more.length > 0) {
      throw new UsageError(
        `say one of ${verbs.join(", ")}, and one IP`,
        `请用 ${verbs.join("、")} 之一，并给出一个 IP`,
      );
    }
    const changed = await run(context, verb, address);
    if (changed === null) return exitCodes.failed;
    await context.output.one(changed, ipView.view);
    return exitCodes.ok;
  },
};

async function run({ client, options, act, isDryRun, confirm }: CommandContext, verb: string, address: string) {
  const connected = await client();
  const call = { params: { ip: address }, query: { dryRun: isDryRun }, ...act() };
  if (verb === "block") return (await connected.call(block, call)).body;
  if (verb === "clear") return (await connected.call(clear, call)).body;
  if (verb === "assign") {
    const [kind, name, ...rest] = String(options["for"] ?? "").split("/");
    if ((kind !== "vm" && kind !== "device") || name === undefined || name === "" || rest.length > 0) {
      throw new UsageError("--for takes vm/NAME or device/NAME", "--for 应为 vm/NAME 或 device/NAME");
    }
    const { business } = options;
    const body = { kind, name, ...(typeof business === "string" ? { business } : {}) } as const;
    return (await connected.call(assign, { ...call, body })).body;
  }
  const { body: seen } = await connected.call(get, { params: { ip: address } });
  const { owner, state, generation: expectedGeneration } = seen.address;
  const whose = owner === null ? "-" : `${owner.kind}/${owner.name}/${owner.nic}`;
  const question = {
    en: `Release ${address}, ${state} for ${whose}?`,
    zh: `释放 ${address}（${state}，归属 ${whose}）？`,
  };
  if (!isDryRun && !(await confirm(question))) return null;
  return (await connected.call(release, { ...call, body: { expectedGeneration } })).body;
}
