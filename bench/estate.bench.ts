// The estate: 20,000 hosts and 2,000 subnets, checked by the rules alone, and through the API of a server on a real PostgreSQL.
import { performance } from "node:perf_hooks";
import { changeEstate, estateOperations } from "@wcs/api/estate";
import { createEstateIndex, parseEstateFile, stageChanges } from "@wcs/core/estate";
import { largeEstate } from "@wcs/core/estate/testing";
import { startTestPostgres, startTestServer } from "@wcs/server/testing";
import { createFigurePrinter, percentile } from "./figure.ts";

const rounds = 500;
const print = createFigurePrinter(process.argv.slice(2));
const documents = largeEstate({ racks: 1000, hostsPerRack: 20, subnetsPerRack: 2 });

async function tookMs(work: () => unknown): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

async function eachMs(work: (round: number) => Promise<unknown>): Promise<{ p50Ms: number; p99Ms: number }> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) times.push(await tookMs(() => work(round)));
  return { p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) };
}

const yaml = documents.map((document) => `---\n${JSON.stringify(document)}\n`).join("");
print({ name: "reading the file, 23,000 documents", value: await tookMs(() => parseEstateFile(yaml)), unit: "ms" });
const checkMs = await tookMs(() => {
  const { faults } = stageChanges(
    createEstateIndex(),
    documents.map((document) => ({ put: document })),
  );
  if (faults.length > 0) throw new Error(faults[0]?.message.en);
});
print({
  name: "checking all rules, 23,000 documents",
  value: checkMs,
  unit: "ms",
  baseline: 1000,
  baselineIs: "promised",
});

const postgres = await startTestPostgres();
const server = await startTestServer(await postgres.createDatabase());
const { admin } = server;
try {
  const applyAll = () => admin.call(changeEstate, { body: { documents: [...documents] }, ticket: "BENCH-1" });
  print({ name: "apply of 23,000 new documents", value: await tookMs(applyAll), unit: "ms" });
  print({ name: "apply of the same again", value: await tookMs(applyAll), unit: "ms" });
  const name = "idc1-r0-h1";
  const { Host } = estateOperations;
  const get = await eachMs(() => admin.call(Host.get, { params: { name } }));
  print({ name: "get of a host p50", value: get.p50Ms, unit: "ms" });
  print({ name: "get of a host p99", value: get.p99Ms, unit: "ms", baseline: 5, baselineIs: "promised" });
  const page = await eachMs((round) => admin.call(Host.list, { query: { limit: 100, pool: `pool-${round % 10}` } }));
  print({ name: "filtered page of 100 hosts p50", value: page.p50Ms, unit: "ms" });
  print({
    name: "filtered page of 100 hosts p99",
    value: page.p99Ms,
    unit: "ms",
    baseline: 20,
    baselineIs: "promised",
  });
  const { body } = await admin.call(Host.get, { params: { name } });
  const write = await eachMs((round) => {
    const host = { ...body, version: undefined, title: `round ${round}` };
    return admin.call(changeEstate, { body: { documents: [host] }, ticket: "BENCH-2" });
  });
  print({ name: "change of one host with audit p50", value: write.p50Ms, unit: "ms" });
  print({
    name: "change of one host with audit p99",
    value: write.p99Ms,
    unit: "ms",
    baseline: 15,
    baselineIs: "promised",
  });
} finally {
  await server.stop();
  await postgres.stop();
}
