import type { Config } from "../config/settings.ts";
import type { Database } from "../database/database.ts";
import type { LogReader } from "../events/log-reader.ts";
import type { Route } from "../http/route.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Reconciler } from "../reconcile/reconciler.ts";
import type { SecretStore } from "../secrets/secret-store.ts";
import type { StateDirectory } from "../state/state-directory.ts";
import type { Log } from "./log.ts";

/** What every feature is given: the program's one of each, made in the composition root. */
export type Platform = Readonly<{
  config: Config;
  state: StateDirectory;
  database: Database;
  logReader: LogReader;
  secrets: SecretStore;
  metrics: Metrics;
  log: Log;
  /** This server's name among the holders of leases. */
  holder: string;
  /** Fires when the server stops. */
  stopping: AbortSignal;
}>;

/** A feature as the program runs it. */
export type Feature = Readonly<{
  routes: readonly Route[];
  reconcilers?: readonly Reconciler[];
  /** Work of another shape, from the start until the signal. */
  run?: (signal: AbortSignal) => Promise<void>;
  /** Runs last in a graceful stop, when requests and reconcilers have ended and the database is still there. */
  finish?: () => Promise<void>;
}>;
