import { Ajv } from "ajv";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { isMap, isScalar, LineCounter, parseDocument, type Document } from "yaml";
import { LabError } from "../state/lab-error.ts";
import { labDir } from "../state/paths.ts";
import { checkTopology } from "./check-topology.ts";
import { parseAddress, parseNetwork, parseRange } from "./ipv4.ts";
import { TopologySchema, type Topology } from "./schema.ts";

/** One thing that is wrong in a topology file. `line` counts from 1. */
export type TopologyFault = Readonly<{ line: number; path: string; reason: string }>;
/** Where in the document: keys and indexes. */
export type YamlPath = readonly (string | number)[];

const maxBytes = 4 * 1024 * 1024;

/** Names of the topologies that the lab ships. */
export const shippedTopologies = () =>
  readdirSync(join(labDir, "topologies"))
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => basename(file, ".yaml"))
    .sort();

/** The file of a shipped topology, or the path itself. @throws LabError "not_found" */
export function topologyFile(nameOrPath: string): string {
  const shipped = join(labDir, "topologies", `${nameOrPath}.yaml`);
  if (!nameOrPath.includes("/") && existsSync(shipped)) return shipped;
  if (existsSync(nameOrPath)) return nameOrPath;
  throw new LabError(
    "not_found",
    `there is no topology "${nameOrPath}". Name a YAML file, or one of: ${shippedTopologies().join(", ")}`,
  );
}

/**
 * Reads and checks a topology. Nothing outside the file is looked at or touched.
 * @throws LabError "bad_topology" that names every fault with its line.
 */
export function loadTopology(file: string): Topology {
  // a folder can't be read, and a pipe or a device may have no end
  const stat = statSync(file);
  if (!stat.isFile()) throw new LabError("bad_topology", `${file}: is not a file. Name a YAML file.`);
  if (stat.size > maxBytes) throw new LabError("bad_topology", `${file}:1: (file): is larger than ${maxBytes} bytes`);
  const text = readFileSync(file, "utf8");
  const result = parseTopology(text);
  if ("faults" in result) {
    const lines = result.faults.map((fault) => `${file}:${fault.line}: ${fault.path}: ${fault.reason}`);
    throw new LabError("bad_topology", lines.join("\n"));
  }
  return result.topology;
}

/** Checks the text of a topology: YAML, schema, then what a schema can't say. Faults come in the order of their lines. */
export function parseTopology(text: string): { topology: Topology } | { faults: TopologyFault[] } {
  if (text.length > maxBytes) {
    return { faults: [{ line: 1, path: "(file)", reason: `is larger than ${maxBytes} bytes` }] };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, maxAliasCount: 100 } as Parameters<
    typeof parseDocument
  >[1]);
  if (document.errors.length > 0) {
    const faults = document.errors.map((error) => ({
      line: lines.linePos(error.pos[0]).line,
      path: "(YAML)",
      reason: error.message.split("\n")[0] ?? error.message,
    }));
    return { faults };
  }
  const fault = (path: YamlPath, reason: string): TopologyFault => ({
    line: lineOf(document, lines, path),
    path: path.join(".") || "(file)",
    reason,
  });
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
    JSON.stringify(value); // throws on an alias that holds itself
  } catch (error) {
    return { faults: [fault([], reasonOf(error))] }; // a bomb of aliases, or a loop
  }
  const faults = validate(value)
    ? checkTopology(value).map(({ path, reason }) => fault(path, reason))
    : schemaFaults(value).map(({ path, reason }) => fault(path, reason));
  if (faults.length > 0) return { faults: faults.sort((a, b) => a.line - b.line) };
  return { topology: value as Topology };
}

const reasonOf = (error: unknown) =>
  error instanceof Error ? (error.message.split("\n")[0] ?? error.message) : String(error);

const ajv = new Ajv({ allErrors: true, verbose: true, strict: true });
ajv.addFormat("ipv4", (text: string) => parseAddress(text) !== null);
ajv.addFormat("cidr", (text: string) => parseNetwork(text) !== null);
ajv.addFormat("range", (text: string) => parseRange(text) !== null);
const validate = ajv.compile<Topology>(TopologySchema);

function schemaFaults(value: unknown): { path: YamlPath; reason: string }[] {
  validate(value);
  const seen = new Map<string, { path: YamlPath; reason: string }>();
  for (const error of validate.errors ?? []) {
    const path = error.instancePath
      .split("/")
      .slice(1)
      .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
      .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
    const description: unknown = error.parentSchema?.["description"];
    const shown = JSON.stringify(error.data)?.slice(0, 60);
    if (error.keyword === "additionalProperties") {
      const key = String(error.params["additionalProperty"]);
      const known = Object.keys((error.parentSchema?.["properties"] as object | undefined) ?? {});
      seen.set([...path, key].join("."), {
        path: [...path, key],
        reason: `is not a field here; fields: ${known.join(", ")}`,
      });
    } else if (error.keyword === "const" || error.keyword === "anyOf") {
      // one message for the whole choice, below
      if (error.keyword === "const") continue;
      seen.set(path.join("."), {
        path,
        reason: `is ${shown}, but must be ${typeof description === "string" ? description : "one of the allowed words"}`,
      });
    } else {
      const must = typeof description === "string" ? `must be ${description}` : (error.message ?? "is wrong");
      const reason = error.keyword === "required" ? (error.message ?? "") : `is ${shown}, but ${must}`;
      seen.set(`${path.join(".")} ${error.keyword === "required" ? reason : ""}`, { path, reason });
    }
  }
  return [...seen.values()];
}

/** The line of the key at that path when it is a key, else of the value; the nearest parent's when it isn't there. */
function lineOf(document: Document, lines: LineCounter, path: YamlPath): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parent: unknown = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const last = path[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === last);
      if (pair !== undefined && isScalar(pair.key) && pair.key.range) return lines.linePos(pair.key.range[0]).line;
    }
    const node = document.getIn(path.slice(0, length), true);
    if (typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range)) {
      return lines.linePos(Number(node.range[0])).line;
    }
  }
  return 1;
}
