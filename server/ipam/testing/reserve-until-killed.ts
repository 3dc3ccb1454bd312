// Reserves addresses without end and prints each reservation once it is committed, for the test that ends it by SIGKILL.
import { createDatabase, type SocketAccess } from "../../database/database.ts";
import { transaction } from "../../database/transaction.ts";
import { systemContext } from "../../testing/system-context.ts";
import { reserveAddresses } from "../index.ts";
import { demandOf } from "./two-racks.ts";

const [accessText = "", life = ""] = process.argv.slice(2);
const access = JSON.parse(accessText) as SocketAccess;
const database = createDatabase({
  access,
  maxConnections: 8,
  statementTimeoutMs: 30_000,
  applicationName: `wcs-killed-${life}`,
  onError: (error) => console.error(error),
});

async function worker(number: number): Promise<never> {
  for (let round = 0; ; round += 1) {
    const instance = `k${life}-${number}-${round}`;
    const given = await transaction(database, { context: systemContext }, (tx) =>
      reserveAddresses(tx, [demandOf(instance, "wide", "wide-dmz")]),
    );
    process.stdout.write(`${given.map(({ ip }) => ip).join(" ")} ${instance}\n`);
  }
}

await Promise.all(Array.from({ length: 8 }, (_, number) => worker(number)));
