import { CniError, cniCodes } from "./cni-error.ts";

/** The versions of the CNI spec that are spoken, oldest first. */
export const supportedVersions = ["0.4.0", "1.0.0", "1.1.0"] as const;
export type CniVersion = (typeof supportedVersions)[number];

/** What a runtime hands to a plugin, as it came. An unset variable is null. */
export type RawCall = Readonly<{
  command: string | null;
  containerId: string | null;
  netns: string | null;
  ifName: string | null;
  args: string | null;
  path: string | null;
  stdin: string;
}>;

export const verbs = ["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"] as const;
export type Verb = (typeof verbs)[number];

/** The network configuration, as far as it is used here. */
export type NetworkConfig = Readonly<{
  cniVersion: CniVersion;
  name: string;
  prevResult: Record<string, unknown> | null;
  /** GC's list of what is alive; null when the runtime gave none. */
  validAttachments: readonly Readonly<{ containerId: string; ifName: string }>[] | null;
}>;

/** A call that was checked as the reference skeleton checks it (containernetworking/cni, pkg/skel). */
export type CniCall = Readonly<{
  verb: Verb;
  containerId: string;
  netns: string;
  ifName: string;
  /** Pairs of CNI_ARGS. */
  args: ReadonlyMap<string, string>;
  config: NetworkConfig;
}>;

type Variable = Readonly<{ name: string; key: "containerId" | "netns" | "ifName" | "path"; verbs: readonly Verb[] }>;
const required: readonly Variable[] = [
  { name: "CNI_CONTAINERID", key: "containerId", verbs: ["ADD", "DEL", "CHECK"] },
  { name: "CNI_NETNS", key: "netns", verbs: ["ADD", "CHECK"] },
  { name: "CNI_IFNAME", key: "ifName", verbs: ["ADD", "DEL", "CHECK"] },
  { name: "CNI_PATH", key: "path", verbs: ["ADD", "DEL", "CHECK", "GC", "STATUS"] },
];

const identifier = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

function invalid(message: string): CniError {
  return new CniError(cniCodes.invalidEnvironment, message);
}

function checkEnvironment(raw: RawCall, verb: Verb): void {
  const missing: string[] = [];
  for (const { name, key, verbs } of required) {
    const value = raw[key];
    if (!verbs.includes(verb)) continue;
    if (value === null || value === "") missing.push(name);
    else if (key === "containerId" && (!identifier.test(value) || value.length > 256)) {
      throw invalid(`invalid characters in containerID: ${JSON.stringify(value.slice(0, 64))}`);
    } else if (key === "ifName") checkIfName(value);
  }
  if (missing.length > 0) throw invalid(`required env variables [${missing.join(",")}] missing`);
}

function checkIfName(name: string): void {
  if (Buffer.byteLength(name) > 15) throw invalid(`interface name is longer than 15 bytes: ${name.slice(0, 64)}`);
  if (name === "." || name === "..") throw invalid("interface name is . or ..");
  if (/[/:\s%\0]/.test(name)) throw invalid("interface name contains / or : or whitespace characters");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads and checks the network configuration. Throws codes 6, 7 and 1. */
function readConfig(stdin: string): NetworkConfig {
  let read: unknown;
  try {
    read = JSON.parse(stdin);
  } catch (error) {
    throw new CniError(cniCodes.decodingFailure, "the network configuration is not JSON", String(error));
  }
  if (!isObject(read)) throw new CniError(cniCodes.decodingFailure, "the network configuration is not a JSON object");
  const { name, cniVersion = "0.1.0", prevResult } = read;
  if (name === undefined || name === "") throw new CniError(cniCodes.invalidNetworkConfig, "missing network name");
  if (typeof name !== "string" || !identifier.test(name) || name.length > 128) {
    throw new CniError(cniCodes.invalidNetworkConfig, "invalid characters found in network name");
  }
  if (prevResult !== undefined && prevResult !== null && !isObject(prevResult)) {
    throw new CniError(cniCodes.decodingFailure, "prevResult is not a JSON object");
  }
  const version = supportedVersions.find((known) => known === cniVersion);
  if (version === undefined) {
    const details = `the configuration asks for ${JSON.stringify(cniVersion)}; spoken are ${supportedVersions.join(", ")}`;
    throw new CniError(cniCodes.incompatibleVersion, "incompatible CNI versions", details);
  }
  // libcni before 1.1.0's release wrote the second key.
  const listKey = "cni.dev/valid-attachments" in read ? "cni.dev/valid-attachments" : "cni.dev/attachments";
  const valid = read[listKey];
  return {
    name,
    cniVersion: version,
    prevResult: isObject(prevResult) ? prevResult : null,
    // Go writes an empty list as null.
    validAttachments: valid === undefined ? null : readAttachments(valid ?? []),
  };
}

function readAttachments(value: unknown): { containerId: string; ifName: string }[] {
  const refuse = () =>
    new CniError(cniCodes.invalidNetworkConfig, "cni.dev/valid-attachments is not a list of attachments");
  if (!Array.isArray(value)) throw refuse();
  return value.map((entry: unknown) => {
    if (!isObject(entry) || typeof entry["containerID"] !== "string" || typeof entry["ifname"] !== "string") {
      throw refuse();
    }
    return { containerId: entry["containerID"], ifName: entry["ifname"] };
  });
}

function readArgs(text: string | null): Map<string, string> {
  const pairs = (text ?? "").split(";").filter((pair) => pair !== "");
  return new Map(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      if (at < 1) throw invalid(`ARGS: invalid pair ${JSON.stringify(pair.slice(0, 64))}`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** Checks a call. Throws a `CniError` with the code that the reference skeleton gives. */
export function readCall(raw: RawCall): CniCall {
  const verb = verbs.find((known) => known === raw.command);
  if (verb === undefined) {
    if (raw.command === null || raw.command === "") throw invalid("required env variables [CNI_COMMAND] missing");
    throw invalid(`unknown CNI_COMMAND: ${raw.command.slice(0, 64)}`);
  }
  checkEnvironment(raw, verb);
  const config: NetworkConfig =
    verb === "VERSION"
      ? { cniVersion: "1.1.0", name: "", prevResult: null, validAttachments: null }
      : readConfig(raw.stdin);
  if ((verb === "GC" || verb === "STATUS") && config.cniVersion !== "1.1.0") {
    throw new CniError(
      cniCodes.incompatibleVersion,
      `config version does not allow ${verb}`,
      `it is ${config.cniVersion}`,
    );
  }
  return {
    verb,
    containerId: raw.containerId ?? "",
    netns: raw.netns ?? "",
    ifName: raw.ifName ?? "",
    args: readArgs(raw.args),
    config,
  };
}
