import { setTimeout as sleep } from "node:timers/promises";
import { compareWorlds, type World } from "@wcs/core/placement";
import type { ClusterLinks } from "../cluster/cluster-links.ts";
import type { Platform } from "../program/platform.ts";
import { buildPicture, changePicture, type LivePicture } from "./live-picture.ts";
import { clusterFacts } from "./node-facts.ts";
import { createPictureParts, type WrittenPicture } from "./picture-parts.ts";
import { readPictures, type PictureChanges, type PictureCursor } from "./read-picture.ts";

/** The engine's picture of the estate, the instances, the ledger and the clusters, kept in this server's memory. */
export type Picture = Readonly<{
  /**
   * Asks something of the picture as it is after everything that was committed before this call. `question` must leave the world as it was; nothing
   * else changes it meanwhile.
   */
  ask: <T>(question: (world: World, write: () => WrittenPicture) => T) => Promise<T>;
  /** Stores what a question has written, so that a decision can be made again. */
  save: (written: WrittenPicture) => Promise<void>;
  /** Compares the picture with one that is made anew, and takes that one when they differ. Returns the differences. */
  check: () => Promise<readonly string[]>;
  /** Keeps the picture fresh while nobody asks, and checks it now and then, until the signal. */
  run: (signal: AbortSignal) => Promise<void>;
  close: () => Promise<void>;
}>;

/** Well under the time for which changes are kept (prune-changes.ts). */
const freshenMs = 10_000;
const checkEveryMs = 15 * 60_000;
const mostDifferences = 20;

export function createPicture(platform: Pick<Platform, "database" | "log" | "metrics">, links: ClusterLinks): Picture {
  const { log, metrics } = platform;
  // One to read what is new, one to read everything for a check.
  const database = platform.database.apart(2);
  const clusters = clusterFacts(links);
  let live: LivePicture | null = null;
  let written = createPictureParts();
  let running: Promise<void> = Promise.resolve();
  let waiting: Promise<void> | null = null;
  let lastMs = 0;
  let differences = 0;
  let builds = 0;
  metrics.gauge(
    "wcs_placement_picture_refresh_seconds",
    "Time that the last look for changes took",
    () => lastMs / 1000,
  );
  metrics.gauge(
    "wcs_placement_picture_differences",
    "Differences that checks have found and mended",
    () => differences,
  );
  metrics.gauge("wcs_placement_picture_builds", "How often everything was read anew", () => builds);
  metrics.gauge(
    "wcs_placement_picture_astray",
    "Instances that stand on what is not there",
    () => live?.astray.size ?? 0,
  );

  const read = async (cursor: PictureCursor | null): Promise<PictureChanges> => {
    const [changes] = await readPictures(database, [cursor]);
    if (changes === undefined) throw new Error("nothing was read");
    return changes;
  };
  const buildOf = (everything: PictureChanges): Promise<LivePicture> => {
    builds += 1;
    // The database may be another, where nothing is stored yet.
    written = createPictureParts();
    // What is not yet told is in what is read now.
    clusters.news();
    return buildPicture(everything, clusters);
  };

  const bringUp = async (): Promise<void> => {
    const started = performance.now();
    const changes = await read(live?.cursor ?? null);
    if (live === null || changes.whole) live = await buildOf(changes);
    else {
      try {
        await changePicture(live, changes, { clusters, news: clusters.news() });
      } catch (error) {
        // Half a change must not stay.
        live = null;
        log.error({ err: error }, "the picture of placement can't take a change, and is made anew");
        live = await buildOf(await read(null));
      }
    }
    lastMs = performance.now() - started;
  };

  /** One at a time; all that ask before it begins share one. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const turn = running.then(work);
    running = turn.catch(() => undefined);
    return turn;
  };
  const refresh = (): Promise<void> => {
    waiting ??= inTurn(() => {
      waiting = null;
      return bringUp();
    });
    return waiting;
  };
  const ask: Picture["ask"] = async (question) => {
    await refresh();
    if (live === null) throw new Error("there is no picture of placement");
    const { parts, picture } = { parts: written, picture: live };
    return question(picture.world, () => parts.write(picture));
  };

  const check = async (): Promise<readonly string[]> => {
    const rebuilt = await buildPicture(await read(null), clusters);
    let found: readonly string[] = [];
    await inTurn(async () => {
      if (live === null) return;
      const [own, others] = await readPictures(database, [live.cursor, rebuilt.cursor]);
      if (own === undefined || others === undefined || own.whole || others.whole) return;
      // Both of one moment of the database, and of one look at the clusters.
      const news = { nodes: new Set<string>(), clusters: new Set(live.documents.Cluster.keys()) };
      await changePicture(rebuilt, others, { clusters, news });
      const kept = live;
      live = null;
      await changePicture(kept, own, { clusters, news: clusters.news() });
      live = kept;
      found = compareWorlds(live.world, rebuilt.world, mostDifferences);
      if (found.length === 0) return;
      differences += found.length;
      live = rebuilt;
    });
    if (found.length > 0) {
      log.error({ differences: found }, "the picture of placement differed from what is true, and is mended");
    }
    return found;
  };

  return {
    ask,
    save: (picture) => written.save(database, picture),
    check,
    run: async (signal) => {
      let checkedAt = performance.now();
      while (!signal.aborted) {
        try {
          await refresh();
          if (performance.now() - checkedAt > checkEveryMs) {
            checkedAt = performance.now();
            await check();
          }
        } catch (error) {
          log.warn({ err: error }, "the picture of placement can't be read");
        }
        await sleep(freshenMs, undefined, { signal }).catch(() => undefined);
      }
    },
    close: async () => {
      clusters.stop();
      await running;
      await database.close();
    },
  };
}
