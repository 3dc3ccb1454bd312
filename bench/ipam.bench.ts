// The address ledger on a real PostgreSQL: 200,000 addresses in 2,000 subnets of 1,000 racks, 50 clients at once.
import { performance } from "node:perf_hooks";
import { createDatabase, transaction, type Transaction } from "@wcs/server/database";
import {
  reserveAddresses,
  retireInstances,
  subnetUsage,
  syncArea,
  syncSubnet,
  type AddressDemand,
} from "@wcs/server/ipam";
import { startTestPostgres, systemContext } from "@wcs/server/testing";
import { createFigurePrinter, percentile } from "./figure.ts";

const racks = 1000;
const clients = 50;
const durationMs = 8000;
const print = createFigurePrinter(process.argv.slice(2));

const postgres = await startTestPostgres();
const test = await postgres.createDatabase();
const database = createDatabase({
  access: test.access.server,
  maxConnections: clients,
  statementTimeoutMs: 300_000,
  applicationName: "wcs-bench",
  onError: (error) => console.error(error),
});
const act = <T>(work: (tx: Transaction) => Promise<T>): Promise<T> =>
  transaction(database, { context: systemContext }, work);

try {
  await load();
  const bare = await together("a bare transaction that updates one row", async (number) => {
    await act((tx) => tx.query("UPDATE bench_rows SET n = n + 1 WHERE id = $1", [number]));
  });
  print({ name: "bare transactions, 50 clients", value: bare.perSecond, unit: "transactions/s" });
  print({ name: "bare transaction p50", value: bare.p50Ms, unit: "ms" });
  let made = 0;
  const spread = await together("reservations spread", async () => {
    const number = (made += 1);
    await act((tx) => reserveAddresses(tx, [demand(number, `r${number % racks}-core`)]));
  });
  const against = { baseline: bare.perSecond, baselineIs: "bare transactions" };
  print({
    name: "reservations of one address, all racks",
    value: spread.perSecond,
    unit: "reservations/s",
    ...against,
  });
  print({ name: "reservation p50", value: spread.p50Ms, unit: "ms", baseline: bare.p50Ms, baselineIs: "bare" });
  print({ name: "reservation p99", value: spread.p99Ms, unit: "ms", baseline: bare.p99Ms, baselineIs: "bare" });
  const hot = await together("reservations in one subnet", async () => {
    const number = (made += 1);
    await act((tx) => reserveAddresses(tx, [demand(number, "hot")]));
  });
  print({ name: "reservations of one address, one /16", value: hot.perSecond, unit: "reservations/s", ...against });
  print({ name: "reservation in one /16 p99", value: hot.p99Ms, unit: "ms", baseline: bare.p99Ms, baselineIs: "bare" });
  const bulk = Array.from({ length: 20_000 }, (_, index) => demand(1_000_000 + index, `r${index % racks}-dmz`));
  const bulkMs = await took(() => act((tx) => reserveAddresses(tx, bulk)));
  print({ name: "20,000 instances in one transaction", value: bulkMs, unit: "ms" });
  const retireMs = await took(() =>
    act((tx) =>
      retireInstances(
        tx,
        bulk.map(({ instance }) => instance),
      ),
    ),
  );
  print({ name: "20,000 instances retired in one transaction", value: retireMs, unit: "ms" });
  print({ name: "usage of every subnet", value: await took(() => subnetUsage(database.query)), unit: "ms" });
} finally {
  await database.close();
  await postgres.stop();
}

async function load(): Promise<void> {
  await test.owner.query(`CREATE TABLE bench_rows (id int PRIMARY KEY, n int NOT NULL);
    GRANT ALL ON bench_rows TO wcs_server; INSERT INTO bench_rows SELECT n, 0 FROM generate_series(0, ${clients}) AS n`);
  const ms = await took(() =>
    act(async (tx) => {
      await syncArea(tx, { name: "core", external: false, prefixes: [] });
      await syncArea(tx, { name: "dmz", external: true, prefixes: [] });
      for (let rack = 0; rack < racks; rack += 1) {
        for (const [area, first] of [
          ["core", 16],
          ["dmz", 24],
        ] as const) {
          const start = `10.${first + (rack >> 8)}.${rack & 255}`;
          await syncSubnet(tx, {
            name: `r${rack}-${area}`,
            rack: `r${rack}`,
            area,
            network: `${start}.0/24`,
            gateway: `${start}.254`,
            fixed: `${start}.100-${start}.199`,
            dynamic: null,
            conflictProbe: true,
          });
        }
      }
    }),
  );
  print({ name: "200,000 addresses loaded", value: ms, unit: "ms" });
  const hotMs = await took(() =>
    act((tx) =>
      syncSubnet(tx, {
        name: "hot",
        rack: "hot",
        area: "core",
        network: "10.128.0.0/16",
        gateway: "10.128.255.254",
        fixed: "10.128.0.1-10.128.255.253",
        dynamic: null,
        conflictProbe: true,
      }),
    ),
  );
  print({ name: "a /16 loaded", value: hotMs, unit: "ms" });
  await test.owner.query("ANALYZE ipam_addresses");
}

function demand(number: number, subnet: string): AddressDemand {
  const scope = { business: "retail", environment: "production", dcnGroup: "1C" };
  return { instance: `i-${number}`, subsystem: "0042", scope, nics: [{ nic: "eth0", subnet }] };
}

/** All clients do `once` again and again; answers the rate and how long one took. */
async function together(
  what: string,
  once: (client: number) => Promise<void>,
): Promise<Readonly<{ perSecond: number; p50Ms: number; p99Ms: number }>> {
  const times: number[] = [];
  const until = performance.now() + durationMs;
  const client = async (number: number): Promise<void> => {
    while (performance.now() < until) times.push(await took(() => once(number)));
  };
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  if (times.length === 0) throw new Error(`${what}: nothing was done`);
  return {
    perSecond: times.length / (durationMs / 1000),
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
  };
}

async function took(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
