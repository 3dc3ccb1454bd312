// Speed of the placement engine, decide-only, at three sizes of a bank: loading the picture, filling it in bulk, single requests.
import { performance, PerformanceObserver } from "node:perf_hooks";
import { setImmediate } from "node:timers/promises";
import {
  applyPlan,
  buildWorld,
  planPlacement,
  undoPlan,
  type Estate,
  type InstanceRecord,
  type PlannedInstance,
  type World,
} from "@wcs/core/placement";
import { createFigurePrinter, percentile, type Figure } from "./figure.ts";
import { bankEstate, fillingRequest, tenMore, type BankSize } from "./placement-estate.ts";

const sizes: readonly BankSize[] = [
  { hosts: 5_000, subsystems: 200, dcns: 30, clusters: 8 },
  { hosts: 20_000, subsystems: 800, dcns: 60, clusters: 20 },
  { hosts: 50_000, subsystems: 2_000, dcns: 100, clusters: 40 },
];
const instancesOfAHost = 10;
const requests = 2_000;
const print = createFigurePrinter(process.argv.slice(2));

/** The same for every size, so that growth can be seen; the promises are for the largest. */
async function measure(size: BankSize): Promise<void> {
  const promised = size.hosts === 50_000;
  const figure = (name: string, value: number, unit: string, most?: number) => {
    const text: Figure = { name: `placement: ${name}, ${size.hosts} hosts`, value, unit };
    print(promised && most !== undefined ? { ...text, baseline: most, baselineIs: "promised" } : text);
  };
  const empty = bankEstate(size);
  const { instances, perSecond, perCpuSecond } = fill(buildWorld(empty), empty, size.hosts * instancesOfAHost);
  figure("bulk, planned and applied, by the clock", perSecond, "instances/s");
  figure("bulk, planned and applied, one core", perCpuSecond, "instances/s of CPU time", 20_000);

  const estate: Estate = { ...empty, instances };
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  const started = performance.now();
  const world = buildWorld(estate);
  figure("loading the picture", (performance.now() - started) / 1000, "s", 5);
  globalThis.gc?.();
  figure("instances in the picture", instances.length, "instances");
  figure("memory of the process, estate included", process.memoryUsage().rss / 2 ** 20, "MiB", 1024);
  figure("memory that loading added", (process.memoryUsage().rss - before) / 2 ** 20, "MiB");

  const { times, cpuTimes, undisturbed, longestGcMs, gcMs } = await timeRequests(world, estate);
  figure("one request of ten instances, p50", percentile(times, 0.5), "ms", 2);
  figure("one request of ten instances, p99", percentile(times, 0.99), "ms", 10);
  figure("one request of ten instances, slowest", percentile(times, 1), "ms");
  figure("one request of ten instances, CPU time, p99", percentile(cpuTimes, 0.99), "ms", 10);
  // What else the machine does shows in the clock, not in the engine.
  figure("requests during which the core was taken away", times.length - undisturbed.length, "requests");
  figure("one request of ten instances, the others, p99", percentile(undisturbed, 0.99), "ms", 10);
  figure("one request of ten instances, the others, slowest", percentile(undisturbed, 1), "ms");
  figure("garbage collection, longest pause", longestGcMs, "ms");
  figure("garbage collection, share of the time", (100 * gcMs) / times.reduce((sum, each) => sum + each, 0), "%");
}

function fill(world: World, estate: Estate, wanted: number) {
  const instances: InstanceRecord[] = [];
  let placed = 0;
  let refused = 0;
  let spent = 0;
  let spentCpu = 0;
  for (let n = 0; placed < wanted; n += 1) {
    const started = performance.now();
    const startedCpu = cpuMs();
    const answer = planPlacement(world, fillingRequest(estate, n));
    if (answer.outcome === "plan") applyPlan(world, answer, (_place, at) => `i-${n}-${at}`);
    spent += performance.now() - started;
    spentCpu += cpuMs() - startedCpu;
    if (answer.outcome === "refusal") {
      refused += 1;
      if (refused > 20) throw new Error(`the bank does not take more: ${answer.text.en}`);
      continue;
    }
    placed += answer.places.length;
    for (const [at, place] of answer.places.entries()) instances.push(recordOf(`i-${n}-${at}`, place));
  }
  return { instances, perSecond: placed / (spent / 1000), perCpuSecond: placed / (spentCpu / 1000) };
}

function recordOf(id: string, place: PlannedInstance): InstanceRecord {
  return {
    id,
    subsystem: place.subsystem,
    dcn: place.dcn,
    class: place.class,
    host: place.host,
    subnets: place.nics.map(({ subnet }) => subnet),
    lifetime: place.lifetime,
    borrowed: place.borrowed,
  };
}

/** CPU time of this thread: what the work costs, whatever else the machine does meanwhile. Linux may count it in steps of 4 ms. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Times of single requests in milliseconds, each on the same picture: what one places is taken back before the next. */
async function timeRequests(world: World, estate: Estate) {
  const counts = new Map<string, number>();
  for (const { subsystem, dcn } of estate.instances) {
    counts.set(`${subsystem}/${dcn}`, (counts.get(`${subsystem}/${dcn}`) ?? 0) + 1);
  }
  const times: number[] = [];
  const cpuTimes: number[] = [];
  const undisturbed: number[] = [];
  const pauses: number[] = [];
  const observer = new PerformanceObserver((list) => pauses.push(...list.getEntries().map(({ duration }) => duration)));
  // What building and filling left behind is collected before.
  globalThis.gc?.();
  observer.observe({ entryTypes: ["gc"] });
  for (let n = 0; n < requests + 200; n += 1) {
    const request = tenMore(estate, n, (subsystem, dcn) => counts.get(`${subsystem}/${dcn}`) ?? 0);
    const switches = process.resourceUsage().involuntaryContextSwitches;
    const started = performance.now();
    const startedCpu = cpuMs();
    const answer = planPlacement(world, request);
    const tookMs = performance.now() - started;
    // The first requests warm the code up.
    if (n >= 200) {
      times.push(tookMs);
      cpuTimes.push(cpuMs() - startedCpu);
      if (process.resourceUsage().involuntaryContextSwitches === switches) undisturbed.push(tookMs);
    }
    if (answer.outcome === "refusal") throw new Error(`request ${n} was refused: ${answer.text.en}`);
    undoPlan(
      world,
      applyPlan(world, answer, (_place, at) => `new-${at}`),
    );
  }
  // The observer is told at the end of the event loop's turn.
  await setImmediate();
  observer.disconnect();
  const longestGcMs = Math.max(0, ...pauses);
  return { times, cpuTimes, undisturbed, longestGcMs, gcMs: pauses.reduce((sum, each) => sum + each, 0) };
}

for (const size of sizes) await measure(size);
