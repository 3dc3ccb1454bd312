import { freezeOperations } from "@wcs/api/release";
import { reaches, type Scope } from "@wcs/core/access-rights";
import { checkFreezeWindow, type FreezeWindow } from "@wcs/core/release";
import { notFound, principalReach, requireAccess, type Principal } from "../access/principal.ts";
import { recordAudit } from "../audit/record-audit.ts";
import type { Row } from "../database/database.ts";
import { placedFault } from "./placed-fault.ts";
import { Failure } from "../http/failure.ts";
import { act, answer, read } from "../http/route.ts";
import type { EstateLookup } from "../instance/neighbours.ts";
import type { Feature, Platform } from "../program/platform.ts";

const [list, create, remove] = freezeOperations;

type WindowRow = Row & Readonly<{ description: FreezeWindow; reason: string; created_by: string; created_at: Date }>;

const columns = "description, reason, created_by, created_at";

/** `/api/v1/freeze-windows`. */
export function createFreezeWindows(platform: Platform, estate: EstateLookup): Feature {
  const requireAll = (principal: Principal, verb: string, { name, environments }: FreezeWindow): void => {
    for (const scope of scopesOf(environments)) {
      requireAccess(principal, { verb, resource: "freezewindows", name, scope });
    }
  };
  return {
    routes: [
      read(list, async ({ principal }) => {
        const reach = principalReach(principal, "list", "freezewindows");
        const rows = await platform.database.query<WindowRow>(`SELECT ${columns} FROM freeze_windows ORDER BY name`);
        const seen = rows.filter(({ description }) =>
          scopesOf(description.environments).some((scope) => reaches(reach, scope)),
        );
        return answer(200, { items: seen.map(view) });
      }),
      act(create, async ({ body, principal }, tx) => {
        const { reason, ...window } = body;
        requireAll(principal, "create", window);
        const problems = checkFreezeWindow(window);
        if (problems.length > 0) {
          const errors = problems.map(placedFault);
          throw new Failure("request.invalid", "the window cannot be understood", { errors });
        }
        for (const environment of window.environments) {
          if ((await estate.environment(tx.query, environment)) === null) throw notFound("environments", environment);
        }
        const [row] = await tx.query<WindowRow>(
          `INSERT INTO freeze_windows (name, description, reason, created_by) VALUES ($1, $2, $3, $4)
           ON CONFLICT (name) DO NOTHING RETURNING ${columns}`,
          [window.name, JSON.stringify(window), reason, principal.name],
        );
        if (row === undefined) throw new Failure("resource.exists", `there is a freeze window ${window.name}`);
        recordAudit(tx, {
          resource: { kind: "FreezeWindow", name: window.name },
          scope: scopesOf(window.environments)[0] ?? { business: null, environment: null, dcnGroup: null },
          before: null,
          after: body,
          outcome: "done",
        });
        return answer(201, view(row));
      }),
      act(remove, async ({ params, principal }, tx) => {
        const [row] = await tx.query<WindowRow>(`SELECT ${columns} FROM freeze_windows WHERE name = $1 FOR UPDATE`, [
          params.name,
        ]);
        if (row === undefined) throw notFound("freezewindows", params.name);
        requireAll(principal, "delete", row.description);
        await tx.query("DELETE FROM freeze_windows WHERE name = $1", [params.name]);
        recordAudit(tx, {
          resource: { kind: "FreezeWindow", name: params.name },
          scope: scopesOf(row.description.environments)[0] ?? { business: null, environment: null, dcnGroup: null },
          before: view(row),
          after: null,
          outcome: "done",
        });
        return answer(204, undefined);
      }),
    ],
  };
}

function scopesOf(environments: readonly string[]): readonly Scope[] {
  return environments.map((environment) => ({ business: null, environment, dcnGroup: null }));
}

function view({ description, reason, created_by, created_at }: WindowRow) {
  const { when } = description;
  return {
    ...description,
    environments: [...description.environments],
    when: "days" in when ? { ...when, days: [...when.days] } : when,
    reason,
    createdBy: created_by,
    createdAt: created_at.toISOString(),
  };
}
