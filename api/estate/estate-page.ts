import { estateDocumentSchema, estateKindNames, estateKinds, faultTexts, type EstateKind } from "@wcs/core/estate";
import { estateFilters } from "./filters/estate-filters.ts";

type Schema = Readonly<{
  type?: string;
  description?: string;
  enum?: readonly string[];
  pattern?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  properties?: Readonly<Record<string, Schema>>;
  patternProperties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  items?: Schema;
}>;

/** docs/estate.md: every kind with its fields, made from the schemas that check them, and every fault's code. `example` is docs/estate.example.yaml. */
export function estatePage(example: string): string {
  return [
    introduction,
    "## Example",
    "",
    "`docs/estate.example.yaml`:",
    "",
    "```yaml",
    example.trimEnd(),
    "```",
    "",
    "## Kinds",
    "",
    ...estateKindNames.flatMap(kindSection),
    "## Faults",
    "",
    "Every fault of a file or request is told at once, in the language asked for (`LANG`, `Accept-Language`), with one of these codes.",
    "",
    table(
      ["code", "what is wrong", "what to do"],
      Object.entries(faultTexts).map(([code, { en, fixEn }]) => [`\`${code}\``, escaped(en), escaped(fixEn)]),
    ),
    "",
  ].join("\n");
}

function kindSection(kind: EstateKind): readonly string[] {
  const { plural, chinese, meaning } = estateKinds[kind];
  const { spec, name } = (estateDocumentSchema(kind) as Schema).properties ?? {};
  const rows = spec === undefined ? [] : fieldRows(spec, "");
  const filters = estateFilters[kind].map((field) => `\`${field}\``).join(", ");
  return [
    `### ${kind} · ${chinese}`,
    "",
    meaning,
    "",
    `Name: \`${name?.pattern ?? ""}\`. Routes: \`/api/v1/${plural}\`${filters === "" ? "" : `, filtered by ${filters}`}.`,
    "",
    ...(rows.length === 0
      ? ["Its `spec` has no fields and may be left out."]
      : [table(["field of `spec`", "", "type", "meaning"], rows)]),
    "",
  ];
}

function fieldRows(schema: Schema, prefix: string): readonly (readonly string[])[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const needed = schema.required?.includes(name) === true ? "required" : "";
    const own = [`\`${path}\``, needed, typeText(field), escaped(field.description ?? "")];
    const mapped = Object.values(field.patternProperties ?? {})[0];
    const inner = mapped?.properties === undefined ? (field.items ?? field) : mapped;
    const deeper =
      mapped?.properties === undefined ? (field.items === undefined ? `${path}.` : `${path}[].`) : `${path}.*.`;
    return [own, ...fieldRows(inner, deeper)];
  });
}

function typeText(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((choice) => `\`${choice}\``).join(", ");
  if (schema.items !== undefined) return `list of ${typeText(schema.items)}`;
  if (schema.patternProperties !== undefined) return "map";
  if (schema.type === "integer") return `integer, ${schema.minimum ?? ""} to ${schema.maximum ?? ""}`;
  return schema.format ?? (schema.type === "object" ? "fields" : (schema.type ?? ""));
}

const escaped = (text: string): string => text.replaceAll("|", "\\|");

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, at) => Math.max(3, ...all.map((row) => (row[at] ?? "").length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

const introduction = `# The estate

What the bank has, as documents: \`kind\`, \`name\`, an optional \`title\` (what people call it, in any language) and \`labels\`, and \`spec\`. The kind and the
name are a document's identity, for good. This page is made from the schemas that check the documents: \`node api/estate/write-estate-page.ts\`.

## How it changes

\`\`\`
wcs apply -f estate.yaml --dry-run     check everything, change nothing
wcs diff -f estate.yaml                what apply would change; ends with 0 (nothing), 1 (something), 2 (the file has faults)
wcs apply -f estate.yaml               all or nothing; what is in the file is made so, what is not in it stays
wcs get hosts -l rack=idc1-r1          list, filter; -o table, wide, json, yaml, name
wcs describe host idc1-h1
wcs delete host idc1-h1                refused while something needs it; the message names what
wcs-lab estate | wcs apply -f -        load the lab
\`\`\`

A file is YAML 1.2 or JSON: documents separated by \`---\`, lists of documents, or what \`wcs get -o yaml\` prints; at most 32 Mi characters, 100,000 documents and 16
levels. Ids that YAML reads as numbers (\`0101\`, \`1E1\`) need quotes. Values are whole numbers in the unit that the field's name says. An optional field that is absent
means what its description says; nothing is filled in, so what was applied is what is read back.

Groups, service accounts, roles and role bindings may stand in the same files, as \`wcs get groups -o yaml\` prints them; all of a file is one change. Nobody gives away more than they have.

Over HTTP: \`POST /api/v1/estate-changes\` takes \`documents\` and \`deletions\` as one change; each kind has its own routes as well. A document's \`version\` is its
ETag; given in a document or as \`If-Match\`, the change is refused when somebody was quicker. Every change is audited and in the watch log, in the same transaction. Changes of what
belongs to an environment whose \`ticketRequired\` is true name a ticket (\`--ticket\`).

## Rules over the whole estate

- What a document names exists. What something else needs can't be deleted. \`wcs describe KIND NAME\` shows who needs it: documents, instances that
  are not retired, groups, role bindings, good tokens. A host, cluster, class or DCN whose instances are all retired can go; their history keeps its name.
- CIDRs of subnets do not overlap. Gateway and ranges lie in the CIDR, without its network and broadcast address, and apart from each other. A rack may have several subnets in one area.
- An address of a host or VM lies in a subnet of its rack and the area, is nobody else's and no gateway, and is outside of the fixed and dynamic range, which WCS gives out.
- A host's rack is in its cluster's IDC; its pool is of its cluster's environment; without a cluster it has no pool.
- The guarantees in a pool fit what its hosts have together (CPU with the pool's overcommit), whatever state the hosts are in; a guarantee is at most its limit.
- A DCN's id begins with its group's (\`ADM\` has any other); DCNs of a group are in different IDCs unless the group says \`sharedIdc\`, and, but for \`ADM\`, in one environment; clusters
  that a DCN names are of its IDC and environment. A VM that is an instance names subsystem and DCN, and stands in the DCN's IDC.
- What others depend on is frozen while they are there: a subnet's CIDR, rack and area while machines have addresses in it; a rack's and a cluster's IDC, a cluster's and a pool's
  environment, a DCN's IDC, environment and group, a system's business, a subsystem's system. Instances freeze their host's rack, cluster, pool and node, their class's sizes, their
  DCN's IDC, environment and group, and their subsystem's system.
- IPv6 is recognised and refused.

## Who sees what

Cities, IDCs, areas, environments, classes, DCN groups and DCNs are common ground: whoever has a role anywhere may read them. Businesses, people, systems, subsystems and VMs are their
business's own. Racks, subnets, clusters, pools and hosts are the platform's. To somebody bound to a business, a document of another does not exist: not in a list, not in a message, not as a name to refer to.
`;
