import { usersBy, type RecordUse } from "../estate/record-users.ts";

const nowhereElse = "t.business, NULL AS environment, NULL AS dcn_group";

const bound = (of: RecordUse["of"], column: string): RecordUse => ({
  of,
  by: "RoleBinding",
  query: `SELECT l.${column} AS of, t.name, ${nowhereElse} FROM role_binding_bounds l JOIN role_bindings t ON t.name = l.binding
    WHERE l.${column} = ANY($1::text[])`,
});
const ofBusiness = (by: string, table: string): RecordUse => ({
  of: "Business",
  by,
  query: `SELECT t.business AS of, t.name, ${nowhereElse} FROM ${table} t WHERE t.business = ANY($1::text[])`,
});

/** Which groups, service accounts and role bindings use documents of the estate. */
export const accessUsers = usersBy([
  {
    of: "Person",
    by: "Group",
    query: `SELECT l.person AS of, t.name, ${nowhereElse} FROM group_members l JOIN groups t ON t.name = l.group_name
      WHERE l.person = ANY($1::text[])`,
  },
  {
    of: "Person",
    by: "RoleBinding",
    query: `SELECT l.person AS of, t.name, ${nowhereElse} FROM role_binding_subjects l JOIN role_bindings t ON t.name = l.binding
      WHERE l.person = ANY($1::text[])`,
  },
  ofBusiness("Group", "groups"),
  ofBusiness("ServiceAccount", "service_accounts"),
  bound("Business", "business"),
  bound("Environment", "environment"),
  bound("DCNGroup", "dcn_group"),
]);
