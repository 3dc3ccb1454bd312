import type { RequestPlan } from "@wcs/api/request";
import {
  defaultNamePattern,
  holdsAddress,
  nameInstances,
  parseNamePattern,
  renderName,
  type NameParts,
  type NamePattern,
} from "@wcs/core/instance";
import type { Transaction } from "../database/transaction.ts";
import { Failure } from "../http/failure.ts";
import type { AddressLedger } from "../instance/neighbours.ts";

type Subsystem = Readonly<{ id: string; system: string }>;

/** What names are made from. `pattern`: the environment's own, if it has one. */
export type NamingRules = Readonly<{ pattern: string | undefined; environment: string; subsystem: Subsystem }>;

/** A place's name, its number in its DCN, and the address that the name holds, if it holds one. */
export type NamedPlace = Readonly<{ name: string; number: number; ip: string | null }>;

/** No name is longer than the one with the longest address and a number of four digits. */
const longest = { ip: "255.255.255.255", number: 1000 };

/** Throws `request.impossible` when the names that a plan would give can't be. */
export function checkNames({ pattern, dcns, ...rules }: NamingRules & Readonly<{ dcns: readonly string[] }>): void {
  const read = readPattern(pattern);
  for (const dcn of dcns) {
    const rendered = renderName(read, { ...partsOf(rules, dcn), ip: longest.ip }, longest.number);
    if ("problem" in rendered) throw unnameable(rules.environment, rendered.problem);
  }
}

/** Names for the places of a plan, never given before. Where a name holds its address, that is picked first. */
export async function namePlaces(
  tx: Transaction,
  places: RequestPlan["places"],
  { pattern: text, addresses, ...rules }: NamingRules & Readonly<{ addresses: AddressLedger }>,
): Promise<readonly NamedPlace[]> {
  const pattern = readPattern(text);
  const ips = holdsAddress(pattern)
    ? await addresses.pick(
        tx,
        places.map(({ nics }) => nics[0]?.subnet ?? ""),
      )
    : null;
  const named: NamedPlace[] = [];
  for (const [dcn, indexes] of Map.groupBy(places.keys(), (index) => places[index]?.dcn ?? "")) {
    const [last] = await tx.query<{ number: number }>(
      "SELECT coalesce(max(number), 0) AS number FROM instances WHERE subsystem = $1 AND dcn = $2",
      [rules.subsystem.id, dcn],
    );
    const parts = indexes.map((index) => ({ ...partsOf(rules, dcn), ip: ips?.[index] ?? null }));
    const result = nameInstances({
      pattern,
      parts,
      taken: await takenNames(tx, pattern, parts),
      afterNumber: last?.number ?? 0,
    });
    if ("problem" in result) throw unnameable(rules.environment, result.problem);
    for (const [at, index] of indexes.entries()) {
      const name = result.names[at];
      if (name !== undefined) named[index] = { ...name, ip: ips?.[index] ?? null };
    }
  }
  return named;
}

/** The names, of living and retired instances, that the pattern could give again: those that begin as one of its names does. */
async function takenNames(
  tx: Transaction,
  pattern: NamePattern,
  parts: readonly NameParts[],
): Promise<ReadonlySet<string>> {
  if (!holdsAddress(pattern)) {
    const [first] = parts;
    const rows = await tx.query<{ name: string }>("SELECT name FROM instances WHERE subsystem = $1 AND dcn = $2", [
      first?.subsystem,
      first?.dcn,
    ]);
    return new Set(rows.map(({ name }) => name));
  }
  const bases = parts.flatMap((each) => {
    const rendered = renderName(pattern, each, 1);
    return "name" in rendered ? [rendered.name] : [];
  });
  const rows = await tx.query<{ name: string }>(
    "SELECT name FROM instances WHERE name = ANY($1) OR regexp_replace(name, '-[0-9]+$', '') = ANY($1)",
    [bases],
  );
  return new Set(rows.map(({ name }) => name));
}

function partsOf({ environment, subsystem }: Omit<NamingRules, "pattern">, dcn: string): NameParts {
  return { subsystem: subsystem.id, system: subsystem.system, dcn, environment, ip: null };
}

/** The estate took no pattern that can't be read. */
function readPattern(text: string = defaultNamePattern): NamePattern {
  const parsed = parseNamePattern(text);
  if ("problem" in parsed) throw new Error(parsed.problem);
  return parsed.pattern;
}

function unnameable(environment: string, problem: string): Failure {
  const detail = `${problem}: change instanceNames of environment ${environment}`;
  return new Failure("request.impossible", detail, { errors: [{ code: "name", message: detail }] });
}
