import { randomUUID } from "node:crypto";
import { reaches, reachesEverything, type Reach, type Scope } from "@wcs/core/access-rights";
import {
  estateKinds,
  keyOf,
  stageChanges,
  type EstateChange,
  type EstateFault,
  type EstateIndex,
  type EstateOutcome,
  type FieldPath,
} from "@wcs/core/estate";
import { DatabaseError } from "pg";
import { nowhere } from "../access/nowhere.ts";
import { principalReach, requireAccess, type Principal } from "../access/principal.ts";
import { recordAudit } from "../audit/record-audit.ts";
import type { Transaction } from "../database/transaction.ts";
import { recordEvent } from "../events/record-event.ts";
import { Failure } from "../http/failure.ts";
import { faultsOfDeletions } from "./faults-of-deletions.ts";
import { faultsUnderInstances } from "./faults-under-instances.ts";
import { failureOfFaults } from "./failure-of-faults.ts";
import { lockEstate, type EstateMirror } from "./estate-mirror.ts";
import type { UsersOf } from "./record-users.ts";
import { requireVersions } from "./require-versions.ts";
import { scopeOfDocument } from "./scope-of-document.ts";
import { writeEstate } from "./write-estate.ts";

/** Changes of another feature that come with changes of the estate, all or none; written after the estate's. */
export type Companion = Readonly<{
  faults: readonly EstateFault[];
  hasChanges: boolean;
  /** Throws unless the principal may do it all. */
  require: () => Promise<void>;
  write: () => Promise<void>;
}>;

/** Who wants what of the estate changed. */
export type EstateAct = Readonly<{
  changes: readonly EstateChange[];
  principal: Principal;
  ticket: string | null;
  /** Nothing is to be changed: no ticket is needed. */
  isDryRun?: boolean;
  language: "en" | "zh";
  /** What other features say uses documents of the estate. */
  usersElsewhere: readonly UsersOf[];
  /** Looks at what comes with it, with the estate as it would be, as far as the principal may know. */
  companion?: (isThere: (ref: EstateOutcome["ref"]) => boolean) => Promise<Companion>;
  /** Where a change stands in the request, as a JSON pointer. */
  pointerOf: (change: number) => string;
  /** Where a field stands in what was sent, when that is not the document itself. */
  placeOf?: (change: number, path: FieldPath) => FieldPath;
  /** Looks at the estate as it is before the changes, and throws what speaks against them. */
  require?: (index: EstateIndex) => void;
}>;

/** What was done; `version` is that of everything created or changed. */
export type EstateResult = Readonly<{ outcomes: readonly EstateOutcome[]; version: number }>;

/**
 * Makes all the changes or none, in the transaction, one writer at a time. Throws a Failure with every fault; or with the first change that
 * the principal may not make; or that misses its version or its change ticket.
 */
export async function changeEstate(tx: Transaction, mirror: EstateMirror, act: EstateAct): Promise<EstateResult> {
  const index = await lockEstate(tx.query, mirror);
  act.require?.(index);
  const rights = rightsOf(act.principal, index);
  const staged = stageChanges(index, act.changes, rights.sees);
  const { outcomes } = staged;
  const version = mirror.version + 1;
  let companion: Companion | undefined;
  try {
    companion = await act.companion?.((ref) => index.documents[ref.kind].has(ref.name) && rights.sees(ref));
    rights.require(outcomes);
    const faults = [
      ...staged.faults,
      ...(companion?.faults ?? []),
      ...(await faultsOfDeletions(tx.query, outcomes, act)),
      ...(await faultsUnderInstances(tx.query, outcomes)),
    ];
    if (faults.length > 0) throw failureOfFaults(faults, act);
    await companion?.require();
    await requireVersions(tx.query, outcomes);
    if (act.isDryRun !== true) requireTicket(index, outcomes, act.ticket);
  } catch (error) {
    staged.undo();
    throw error;
  }
  const made = outcomes.filter(({ action }) => action !== "unchanged");
  if (made.length === 0) {
    staged.undo();
    await companion?.write();
    const after = { unchanged: outcomes.length };
    if (companion?.hasChanges !== true) {
      recordAudit(tx, { resource: { kind: "Estate", name: "" }, scope: nowhere, before: null, after, outcome: "done" });
    }
    return { outcomes, version: mirror.version };
  }
  const writer = randomUUID();
  mirror.staged = { writer, version, undo: staged.undo };
  writeEstate((text, values) => tx.send(text, values, explainReferrers), index, {
    puts: made.flatMap(({ before, after }) => (after === null ? [] : [{ before, after }])),
    deletions: made.flatMap(({ ref, after }) => (after === null ? [ref] : [])),
    version,
    writer,
  });
  for (const outcome of made) record(tx, index, outcome, version);
  await companion?.write();
  return { outcomes, version };
}

function record(tx: Transaction, index: EstateIndex, outcome: EstateOutcome, version: number): void {
  const { ref, before, after } = outcome;
  const last = after ?? before;
  const scope = scopeOfDocument(index, last);
  const change = after === null ? "deleted" : before === null ? "created" : "updated";
  recordEvent(tx, { change, ...ref, version, scope, record: { ...last, version } });
  recordAudit(tx, { resource: ref, scope, before, after, outcome: "done" });
}

type Rights = Readonly<{
  sees: (ref: EstateOutcome["ref"]) => boolean;
  require: (outcomes: readonly EstateOutcome[]) => void;
}>;

/** What a principal may see and do in the estate; what it reaches of each kind is worked out once. */
function rightsOf(principal: Principal, index: EstateIndex): Rights {
  const known = new Map<string, Reach>();
  const reachTo = (verb: string, resource: string): Reach => {
    const key = `${verb} ${resource}`;
    let reach = known.get(key);
    if (reach === undefined) known.set(key, (reach = principalReach(principal, verb, resource)));
    return reach;
  };
  const requireOne = (verb: string, { ref, before, after }: EstateOutcome): void => {
    const resource = estateKinds[ref.kind].plural;
    if (reachesEverything(reachTo(verb, resource))) return;
    for (const document of [before, after]) {
      if (document === null) continue;
      requireAccess(principal, { verb, resource, name: ref.name, scope: scopeOfDocument(index, document) });
    }
  };
  return {
    sees: (ref) => {
      const reach = reachTo("get", estateKinds[ref.kind].plural);
      if (reachesEverything(reach)) return true;
      const document = index.documents[ref.kind].get(ref.name);
      const scope: Scope = document === undefined ? nowhere : scopeOfDocument(index, document);
      return reaches(reach, scope);
    },
    require: (outcomes) => {
      for (const outcome of outcomes) requireOne(verbs[outcome.action], outcome);
    },
  };
}

const verbs = { created: "create", changed: "update", unchanged: "get", deleted: "delete" } as const;

/** Every act on an environment that asks for it names its change ticket; making the environment itself does not. */
function requireTicket(index: EstateIndex, outcomes: readonly EstateOutcome[], ticket: string | null): void {
  if (ticket !== null) return;
  const environments = new Map(
    outcomes.flatMap(({ before, ref }) => (ref.kind === "Environment" ? [[keyOf(ref), before]] : [])),
  );
  for (const { action, before, after } of outcomes) {
    const document = after ?? before;
    const name = action === "unchanged" ? null : scopeOfDocument(index, document).environment;
    if (name === null) continue;
    const key = keyOf({ kind: "Environment", name });
    const environment = environments.has(key) ? environments.get(key) : index.documents.Environment.get(name);
    if (environment?.kind !== "Environment" || !environment.spec.ticketRequired) continue;
    throw new Failure(
      "act.ticket-required",
      `${document.kind} ${document.name} is of environment ${name}, whose changes need a ticket`,
    );
  }
}

// foreign_key_violation (PostgreSQL 18, appendix A): a record of another feature, such as an instance, needs what was to be deleted.
function explainReferrers(error: unknown): unknown {
  if (!(error instanceof DatabaseError) || error.code !== "23503") return error;
  const [, key = "?", table = "?"] = /=\((.*)\) is still referenced from table "(\w+)"/.exec(error.detail ?? "") ?? [];
  const message = `${error.table ?? "it"}: ${key} is still needed by ${table}`;
  return new Failure("resource.referenced", message, { cause: error });
}
