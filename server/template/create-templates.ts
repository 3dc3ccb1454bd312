import { templateOperations, type TemplateBody } from "@wcs/api/template";
import { reaches, type Scope } from "@wcs/core/access-rights";
import { canonicalHash } from "@wcs/core/canonical";
import { differences } from "@wcs/core/difference";
import { checkTemplate, type Problem } from "@wcs/core/template";
import { notFound, principalReach, requireAccess, type Principal } from "../access/principal.ts";
import { recordAudit } from "../audit/record-audit.ts";
import type { Query } from "../database/database.ts";
import { recordEvent } from "../events/record-event.ts";
import { Failure } from "../http/failure.ts";
import { decodePageCursor, encodePageCursor } from "../http/page-cursor.ts";
import { act, answer, read } from "../http/route.ts";
import type { Feature, Platform } from "../program/platform.ts";
import {
  addTemplate,
  findTemplate,
  listTemplates,
  lockTemplates,
  newestTemplate,
  type Template,
} from "./template-store.ts";

const [list, create, get, diff] = templateOperations;

/** The business that a subsystem belongs to; null when there is no such subsystem. */
export type BusinessOfSubsystem = (query: Query, subsystem: string) => Promise<string | null>;

/** `/api/v1/templates`: versions that never change, checked against the clusters' baseline when they are added. */
export function createTemplates(platform: Platform, businessOf: BusinessOfSubsystem): Feature {
  const { query } = platform.database;
  const visible = async (principal: Principal, subsystem: string, version: number): Promise<Template> => {
    const template = await findTemplate(query, subsystem, version);
    if (template === null) throw notFound("templates", nameOf(subsystem, version));
    requireAccess(principal, {
      verb: "get",
      resource: "templates",
      name: nameOf(subsystem, version),
      scope: scopeOf(template),
    });
    return template;
  };

  return {
    routes: [
      read(list, async ({ query: asked, principal }) => {
        const limit = asked.limit ?? 100;
        const reach = principalReach(principal, "list", "templates");
        const items: Template[] = [];
        let after = asked.cursor === undefined ? null : decodePageCursor(asked.cursor, ["string", "number"]);
        for (let isLast = false; items.length < limit && !isLast;) {
          const page = await listTemplates(query, { subsystem: asked.subsystem ?? null, after, limit: 200 });
          isLast = page.length < 200;
          for (const template of page) {
            if (items.length === limit) break;
            after = [template.subsystem, template.version];
            if (reaches(reach, scopeOf(template))) items.push(template);
          }
        }
        const next = items.length === limit && after !== null ? encodePageCursor(after) : null;
        return answer(200, { items: items.map(summaryOf), next });
      }),
      act(create, async ({ body, principal }, tx) => {
        const { subsystem, spec, note = "" } = body;
        const business = await businessOf(tx.query, subsystem);
        if (business === null) throw notFound("subsystems", subsystem);
        const scope: Scope = { business, environment: null, dcnGroup: null };
        requireAccess(principal, { verb: "create", resource: "templates", name: subsystem, scope });
        const problems = checkTemplate(spec);
        if (problems.length > 0) throw invalidTemplate(problems);

        await lockTemplates(tx.query, subsystem);
        const hash = canonicalHash(spec);
        const newest = await newestTemplate(tx.query, subsystem);
        if (newest?.hash === hash) {
          recordAudit(tx, {
            resource: { kind: "Template", name: nameOf(subsystem, newest.version) },
            scope,
            before: summaryOf(newest),
            after: summaryOf(newest),
            outcome: "done",
          });
          return answer(200, detailOf(newest));
        }
        const template = await addTemplate(tx.query, {
          subsystem,
          business,
          note,
          spec,
          hash,
          createdBy: principal.name,
        });
        const name = nameOf(subsystem, template.version);
        recordEvent(tx, { change: "created", kind: "Template", name, version: 1, scope, record: summaryOf(template) });
        recordAudit(tx, {
          resource: { kind: "Template", name },
          scope,
          before: null,
          after: template,
          outcome: "done",
        });
        return answer(201, detailOf(template));
      }),
      read(get, async ({ params, principal }) =>
        answer(200, detailOf(await visible(principal, params.subsystem, params.version))),
      ),
      read(diff, async ({ params, query: asked, principal }) => {
        const to = await visible(principal, params.subsystem, params.version);
        const from = await visible(principal, params.subsystem, asked.from);
        return answer(200, {
          subsystem: params.subsystem,
          from: from.version,
          to: to.version,
          differences: [...differences(from.spec, to.spec)],
        });
      }),
    ],
  };
}

/** `1001/3`: the name of a version in the audit and the watch log. */
function nameOf(subsystem: string, version: number): string {
  return `${subsystem}/${version}`;
}

function scopeOf(template: Template): Scope {
  return { business: template.business, environment: null, dcnGroup: null };
}

function summaryOf({ spec, ...template }: Template) {
  return { ...template, image: spec.image };
}

function detailOf(template: Template) {
  return { ...summaryOf(template), spec: template.spec as TemplateBody };
}

function invalidTemplate(problems: readonly Problem[]): Failure {
  return new Failure("template.invalid", `${problems.length} things are wrong with the template`, {
    errors: problems.map(({ path, problem, remedy }) => ({
      pointer: `spec.${path}`,
      message: `${problem}: ${remedy}`,
    })),
  });
}
