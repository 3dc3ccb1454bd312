import type { AccessSpec } from "@wcs/api/access";
import type { Grant } from "@wcs/core/access-rights";
import type { Query, Row } from "../database/database.ts";

type BindingRow = Row & Readonly<{ binding: AccessSpec<"RoleBinding">; role: AccessSpec<"Role"> }>;

/** What the role bindings of a subject and of its groups give it now. */
export async function grantsOf(
  query: Query,
  subject: Readonly<{ kind: "Person" | "ServiceAccount"; name: string }>,
): Promise<readonly Grant[]> {
  const whose =
    subject.kind === "ServiceAccount"
      ? "s.service_account = $1"
      : "(s.person = $1 OR s.group_name IN (SELECT group_name FROM group_members WHERE person = $1))";
  const rows = await query<BindingRow>(
    `SELECT DISTINCT b.document -> 'spec' AS binding, r.document -> 'spec' AS role
     FROM role_binding_subjects s JOIN role_bindings b ON b.name = s.binding JOIN roles r ON r.name = b.role
     WHERE ${whose} AND coalesce((b.document #>> '{spec,until}')::timestamptz > now(), true)`,
    [subject.name],
  );
  return rows.flatMap(({ binding, role }) =>
    role.rules.map((rule) => ({
      ...rule,
      businesses: binding.businesses ?? null,
      environments: binding.environments ?? null,
      dcnGroups: binding.dcnGroups ?? null,
    })),
  );
}
