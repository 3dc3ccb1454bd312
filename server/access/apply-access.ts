import { accessDocumentSchema, accessKinds, type AccessKind, type AccessSpec } from "@wcs/api/access";
import { accessKindNames } from "@wcs/core/access-rights";
import { canonicalJson } from "@wcs/core/canonical";
import { closestWord, faultMessages, schemaFaults, type EstateFault } from "@wcs/core/estate";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import type { Transaction } from "../database/transaction.ts";
import { Failure } from "../http/failure.ts";
import { missingInAccess, newReferences, type AccessReference } from "./access-references.ts";
import { readAccess, scopeOfAccess, writeAccess, type AccessDocument, type AccessRecord } from "./access-store.ts";
import { requireAccess, type Principal } from "./principal.ts";
import { recordAccess } from "./record-access.ts";
import { requireWithinOwn } from "./require-within-own.ts";

/** What happens to one group, service account, role or role binding. `change` counts the documents of the request's changes. */
export type AccessOutcome = Readonly<{
  change: number;
  ref: Readonly<{ kind: AccessKind; name: string }>;
  action: "created" | "changed" | "unchanged";
  before: AccessRecord | null;
  after: AccessDocument<AccessKind>;
}>;

/** What documents would do, or all that is wrong with them; `write` makes it so. */
export type StagedAccess = Readonly<{
  outcomes: readonly AccessOutcome[];
  faults: readonly EstateFault[];
  /** Throws unless the principal may do it all, and every version is the one that is meant. */
  require: () => Promise<void>;
  write: () => Promise<void>;
}>;

export type AccessPuts = Readonly<{
  puts: readonly Readonly<{ change: number; value: unknown }>[];
  principal: Principal;
  /** Whether a document of the estate is there after the changes, as far as the principal may know. */
  isInEstate: (kind: Exclude<AccessReference["kind"], AccessKind>, name: string) => boolean;
}>;

/** Whether a document of a request is a group, service account, role or role binding. */
export function isAccessDocument(value: unknown): boolean {
  const kind = (value as Readonly<{ kind?: unknown }> | null)?.kind;
  return typeof kind === "string" && Object.hasOwn(accessKinds, kind);
}

type Staged = AccessOutcome & Readonly<{ version: number | null }>;

/** Looks at documents of groups, service accounts, roles and role bindings, all together; what they refer to may be among them. */
export async function stageAccess(tx: Transaction, { puts, principal, isInEstate }: AccessPuts): Promise<StagedAccess> {
  const faults: EstateFault[] = [];
  const staged = new Map<string, Staged>();
  const named = new Set<string>();
  for (const { change, value } of puts) {
    const found = checkAccessDocument(value, change);
    const { kind, name } = value as Readonly<{ kind: AccessKind; name: unknown }>;
    const key = `${kind}/${String(name)}`;
    if (named.has(key)) {
      const texts = faultMessages("document-repeated", { kind, name: String(name) });
      faults.push({
        code: "document-repeated",
        change,
        kind,
        name: String(name),
        path: ["name"],
        at: "value",
        ...texts,
      });
      continue;
    }
    named.add(key);
    if ("faults" in found) {
      faults.push(...found.faults);
      continue;
    }
    const before = await readAccess(tx.query, kind, found.document.name, true);
    const action = before === null ? "created" : saysTheSame(before, found.document) ? "unchanged" : "changed";
    const ref = { kind, name: found.document.name };
    staged.set(key, { change, ref, action, before, after: found.document, version: found.version });
  }
  for (const outcome of staged.values()) {
    faults.push(...(await referenceFaults(tx, outcome, { principal, isInEstate, named })));
  }
  const roleSpec = (role: string): AccessSpec<"Role"> | null =>
    (staged.get(`Role/${role}`)?.after.spec as AccessSpec<"Role"> | undefined) ?? null;
  return {
    outcomes: [...staged.values()],
    faults,
    require: async () => {
      for (const outcome of staged.values()) await requireOne(tx, principal, outcome, roleSpec);
      requireVersions([...staged.values()]);
    },
    write: async () => {
      for (const kind of accessKindNames) {
        for (const { ref, action, before, after } of staged.values()) {
          if (ref.kind !== kind || action === "unchanged") continue;
          const made = await writeAccess(tx.query, kind, after, before?.version ?? null);
          recordAccess(tx, kind, { before, after: made });
        }
      }
    },
  };
}

type Known = Pick<AccessPuts, "principal" | "isInEstate"> & Readonly<{ named: ReadonlySet<string> }>;

async function referenceFaults(
  { query }: Transaction,
  { change, ref, before, after }: Staged,
  { principal, isInEstate, named }: Known,
): Promise<readonly EstateFault[]> {
  const faults: EstateFault[] = [];
  const wanted = newReferences(ref.kind, { before: before?.spec ?? null, after: after.spec });
  for (const [kind, references] of Map.groupBy(wanted, (reference) => reference.kind)) {
    const others = references.filter(({ name }) => !named.has(`${kind}/${name}`));
    const names = others.map(({ name }) => name);
    const missing = new Set(
      isAccessKind(kind)
        ? await missingInAccess(query, principal, { kind, names })
        : names.filter((name) => !isInEstate(kind, name)),
    );
    for (const { name, path } of others.filter((reference) => missing.has(reference.name))) {
      const closest = closestWord(name, candidatesOf(kind, named));
      const texts = faultMessages("reference-missing", {
        targetKind: kind,
        target: name,
        suggestion: closest === null ? "" : `did you mean ${closest}? otherwise `,
        suggestionZh: closest === null ? "" : `是否指 ${closest}?否则`,
      });
      faults.push({ code: "reference-missing", change, ...ref, path, at: "value", ...texts });
    }
  }
  return faults;
}

/** Names that somebody may have meant: of the same kind, in the same request. */
function candidatesOf(kind: string, named: ReadonlySet<string>): readonly string[] {
  const prefix = `${kind}/`;
  return [...named].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
}

async function requireOne(
  tx: Transaction,
  principal: Principal,
  { ref: { kind, name }, action, before, after }: Staged,
  roleSpec: (role: string) => AccessSpec<"Role"> | null,
): Promise<void> {
  const resource = accessKinds[kind].plural;
  const verb = action === "created" ? "create" : action === "changed" ? "update" : "get";
  for (const spec of [before?.spec, after.spec]) {
    if (spec === undefined) continue;
    requireAccess(principal, { verb, resource, name, scope: scopeOfAccess(kind, spec) });
    if (action !== "unchanged") await requireWithinOwn(tx.query, principal, { kind, spec, roleSpec });
  }
}

function requireVersions(staged: readonly Staged[]): void {
  const errors = staged.flatMap(({ change, ref, before, version }) =>
    version === null || version === (before?.version ?? null)
      ? []
      : [
          {
            ...ref,
            message: before === null ? "is not there" : `is at version ${before.version}, not ${version}`,
            change,
          },
        ],
  );
  if (errors.length === 0) return;
  throw new Failure("resource.version-mismatch", "somebody changed it meanwhile", {
    errors: errors.map(({ change: _change, ...error }) => error),
  });
}

function saysTheSame({ title, spec }: AccessRecord, after: AccessDocument<AccessKind>): boolean {
  const said = (one: Readonly<{ title?: string; spec: unknown }>) =>
    canonicalJson({ title: one.title ?? null, spec: one.spec });
  return said(title === undefined ? { spec } : { title, spec }) === said(after);
}

function isAccessKind(kind: AccessReference["kind"]): kind is AccessKind {
  return Object.hasOwn(accessKinds, kind);
}

type Checked =
  | Readonly<{ document: AccessDocument<AccessKind>; version: number | null }>
  | Readonly<{ faults: readonly EstateFault[] }>;

function checkAccessDocument(value: unknown, change: number): Checked {
  const document = value as Readonly<{ kind: AccessKind; name: string; version?: number }> & AccessDocument<AccessKind>;
  const { kind, name } = document;
  const validate = validatorOf(kind);
  if (validate(document)) {
    const { title, spec, version = null } = document;
    return { document: { name, ...(title === undefined ? {} : { title }), spec }, version };
  }
  const faults = schemaFaults(validate.errors ?? [], document, kind).map((parts) => ({
    ...parts,
    change,
    kind,
    ...(typeof name === "string" ? { name } : {}),
  }));
  return { faults };
}

const validators = new Map<AccessKind, ValidateFunction>();
const ajv = new Ajv2020({ allErrors: true, verbose: true, strict: false });
formats.default(ajv);

function validatorOf(kind: AccessKind): ValidateFunction {
  let validate = validators.get(kind);
  if (validate === undefined) validators.set(kind, (validate = ajv.compile(accessDocumentSchema(kind))));
  return validate;
}
