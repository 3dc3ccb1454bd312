import { ipamOperations } from "@wcs/api/ipam";
import { reaches, reachesEverything, type Reach } from "@wcs/core/access-rights";
import { notFound, principalReach } from "../access/principal.ts";
import { decodePageCursor, encodePageCursor } from "../http/page-cursor.ts";
import { answer, read, type Route } from "../http/route.ts";
import type { Platform } from "../program/platform.ts";
import { nowhere } from "../access/nowhere.ts";
import { scopeOfRow, type AddressRow } from "./address-row.ts";
import { addressView } from "./address-view.ts";
import { differenceView, findAddress, historyOf, listAddresses, listDifferences, subnetUsage } from "./ip-queries.ts";

const [list, get] = ipamOperations;
const usage = ipamOperations[7];
const differences = ipamOperations[8];

const batch = 500;

/** Reading the ledger. Who may see only a business's addresses sees those, and of an address's history what was theirs. */
export function ipReadRoutes({ database }: Platform): readonly Route[] {
  return [
    read(list, async ({ query, principal }) => {
      const reach = principalReach(principal, "list", "ips");
      const limit = query.limit ?? 100;
      const [start] = query.cursor === undefined ? ["0.0.0.0"] : decodePageCursor(query.cursor, ["string"]);
      const { cursor: _, limit: __, ...filter } = query;
      const items: AddressRow[] = [];
      let after = start;
      let isLast = false;
      while (items.length < limit && !isLast) {
        const rows = await listAddresses(
          database.query,
          { ...filter, businesses: businessesOf(reach) },
          { after, limit: batch },
        );
        isLast = rows.length < batch;
        for (const row of rows) {
          if (reaches(reach, scopeOfRow(row))) items.push(row);
          after = row.ip;
          if (items.length === limit) break;
        }
      }
      const next = items.length === limit ? encodePageCursor([after]) : null;
      return answer(200, { items: items.map(addressView), next });
    }),
    read(get, async ({ params, principal, language }) => {
      const reach = principalReach(principal, "get", "ips");
      const row = await findAddress(database.query, params.ip);
      if (row === null || !reaches(reach, scopeOfRow(row))) throw notFound("ips", params.ip);
      const versions = await historyOf(database.query, params.ip);
      const history = versions.filter(({ scope }) => reaches(reach, scope)).map(({ version }) => version);
      const found = await listDifferences(database.query, { ip: params.ip });
      return answer(200, {
        address: addressView(row),
        history,
        differences: found.map((row) => differenceView(row, language)),
      });
    }),
    read(usage, async ({ query, principal }) => {
      const sees = reaches(principalReach(principal, "list", "subnets"), nowhere);
      return answer(200, { items: sees ? [...(await subnetUsage(database.query, query))] : [] });
    }),
    read(differences, async ({ query, principal, language }) => {
      const reach = principalReach(principal, "list", "ips");
      const limit = query.limit ?? 100;
      let after: readonly [string, string, string] =
        query.cursor === undefined
          ? ["0.0.0.0", "", ""]
          : decodePageCursor(query.cursor, ["string", "string", "string"]);
      const items = [];
      let isLast = false;
      while (items.length < limit && !isLast) {
        const rows = await listDifferences(database.query, { after, limit: batch });
        isLast = rows.length < batch;
        for (const row of rows) {
          if (reaches(reach, scopeOfRow(row))) items.push(differenceView(row, language));
          after = [row.ip, row.kind, row.host];
          if (items.length === limit) break;
        }
      }
      return answer(200, { items, next: items.length === limit ? encodePageCursor(after) : null });
    }),
  ];
}

/** The only businesses whose records can be within reach; null when that is not a matter of a list. */
function businessesOf(reach: Reach): readonly string[] | null {
  if (reachesEverything(reach)) return null;
  const lists = reach.allow.map(({ businesses }) => businesses);
  return lists.every((list) => list !== null) ? [...new Set(lists.flat())] : null;
}
