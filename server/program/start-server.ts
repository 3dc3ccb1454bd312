import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import { Pool } from "pg";
import { grantsOf } from "../access/grants.ts";
import type { Operation } from "@wcs/api";
import { ConfigFailure } from "../config/config-failure.ts";
import type { Config } from "../config/settings.ts";
import { createDatabase, keepErrorsHeard, type Database, type DatabaseAccess } from "../database/database.ts";
import { migrate, serverRole } from "../database/migrate.ts";
import { whileUnavailable, type UnavailableOptions } from "../database/while-unavailable.ts";
import { createLogReader } from "../events/log-reader.ts";
import { renewLogAfterRestore } from "../events/watch-log.ts";
import { createHttpServer } from "../http/http-server.ts";
import { createMetrics } from "../metrics/metrics.ts";
import { startEmbeddedPostgres, type EmbeddedPostgres } from "../postgres/embedded-postgres.ts";
import { runReconciler } from "../reconcile/reconciler.ts";
import { openKeyRing } from "../secrets/key-ring.ts";
import { createSecretStore } from "../secrets/secret-store.ts";
import { openStateDirectory } from "../state/state-directory.ts";
import { createAuthenticator } from "../token/authenticate.ts";
import { makeFirstToken } from "../token/first-administrator.ts";
import type { RecoveryTesting } from "../recovery/create-recoveries.ts";
import { createFeatures } from "./features.ts";
import { deferredLog } from "./deferred-log.ts";
import type { Platform } from "./platform.ts";

export type StartOptions = Readonly<{
  config: Config;
  /** Says the first administrator's token, once. */
  onFirstToken: (token: string) => void;
  /** Told when the database is away and the start waits for it. */
  onWait?: (reason: Error) => void;
  /** A database that is there already, for tests; otherwise the configuration says. */
  access?: Readonly<{ server: DatabaseAccess; owner: DatabaseAccess }>;
  checkAnswer?: (operation: Operation, status: number, body: unknown) => void;
  logTo?: NodeJS.WritableStream;
  /** How recoveries ask a rack and where they are broken off, for tests. */
  recovery?: RecoveryTesting;
}>;

/** A running server. `stop` ends requests, streams and reconcilers, then the database. */
export type RunningServer = Readonly<{ url: string; platform: Platform; stop: () => Promise<void> }>;

/** The composition root: makes one of everything, and passes it down. */
export async function startServer(options: StartOptions): Promise<RunningServer> {
  const { config } = options;
  const state = openStateDirectory(config.stateDirectory);
  const embedded =
    options.access === undefined && config.databaseUrl === null ? await startEmbeddedPostgres(state) : null;
  const access = options.access ?? accessOf(config, embedded);
  const log = deferredLog();
  const patience: UnavailableOptions = {
    waitMs: config.databaseWaitMs,
    ...(options.onWait === undefined ? {} : { onWait: options.onWait }),
  };
  const database = await openDatabase({
    config,
    access,
    patience,
    onError: (error) => log.warn({ reason: error.message }, "a database connection failed"),
  });
  const stopping = new AbortController();
  const logReader = createLogReader(database, (error) => log.warn({ err: error }, "the watch log can't be read"));
  const metrics = createMetrics();
  const keyRing = openKeyRing(join(state.keys, "secrets.json"));
  const platform: Platform = {
    config,
    state,
    database,
    logReader,
    secrets: createSecretStore(keyRing),
    metrics,
    log,
    holder: `${hostname()}/${process.pid}/${randomBytes(4).toString("hex")}`,
    stopping: stopping.signal,
  };
  metrics.gauge(
    "wcs_database_connections_waiting",
    "Requests that wait for a database connection",
    () => database.pool.waitingCount,
  );
  const features = createFeatures(platform, options.recovery);
  const app = await createHttpServer({
    config,
    keyRing,
    database,
    routes: features.flatMap(({ routes }) => routes),
    authenticator: createAuthenticator({
      query: database.query,
      grantsOf: (subject) => grantsOf(database.query, subject),
      now: Date.now,
    }),
    stopping: stopping.signal,
    onAnswer: metrics.answered,
    ...(options.checkAnswer === undefined ? {} : { checkAnswer: options.checkAnswer }),
    ...(options.logTo === undefined ? {} : { logTo: options.logTo }),
  });
  log.follow(app.log);
  if (options.access === undefined && config.databaseUrl !== null && config.databaseOwnerUrl === null) {
    log.warn(
      {},
      "WCS_DATABASE_URL is the owner's login: a session could take back the owner's rights over the audit. Set WCS_DATABASE_OWNER_URL, and a login of wcs_server as WCS_DATABASE_URL",
    );
  }
  if (await whileUnavailable(patience, () => renewLogAfterRestore(database.query))) {
    log.warn({}, "the database was restored: old watch cursors are refused");
  }
  const firstToken = await whileUnavailable(patience, () => makeFirstToken(database));
  if (firstToken !== null) options.onFirstToken(firstToken);
  const url = await app.listen({ host: config.listen.host, port: config.listen.port });
  const working = features.flatMap(({ reconcilers = [], run }) => [
    ...reconcilers.map((reconciler) =>
      runReconciler(reconciler, {
        ...platform,
        leaseMs: config.leaseMs,
        signal: stopping.signal,
        onResult: metrics.reconciled,
      }),
    ),
    ...(run === undefined ? [] : [run(stopping.signal)]),
  ]);
  for (const work of working) {
    work.catch((error: unknown) => log.error({ err: error }, "background work ended by a failure"));
  }

  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    stopping.abort();
    const late = setTimeout(() => app.server.closeAllConnections(), config.stopTimeoutMs);
    await app.close();
    clearTimeout(late);
    logReader.stop();
    await Promise.allSettled(working);
    for (const { finish } of features) await finish?.();
    await database.close();
    await embedded?.stop();
  };
  return { url, platform, stop: () => (stopped ??= stop()) };
}

function accessOf(
  config: Config,
  embedded: EmbeddedPostgres | null,
): Readonly<{ server: DatabaseAccess; owner: DatabaseAccess }> {
  if (embedded !== null) return embedded;
  const url = config.databaseUrl ?? "";
  return { server: { url }, owner: { url: config.databaseOwnerUrl ?? url } };
}

type OpenOptions = Readonly<{
  config: Config;
  access: Readonly<{ server: DatabaseAccess; owner: DatabaseAccess }>;
  patience: UnavailableOptions;
  onError: (error: Error) => void;
}>;

/** Migrates as the owner, then works as the server's role: by its own login, or by stepping down after the owner's. */
async function openDatabase({ config, access, patience, onError }: OpenOptions): Promise<Database> {
  const owner = new Pool({
    ...("url" in access.owner ? { connectionString: access.owner.url } : access.owner),
    max: 1,
    application_name: "wcs-migration",
  });
  owner.on("error", onError);
  keepErrorsHeard(owner);
  try {
    await whileUnavailable(patience, () => migrate(owner));
  } catch (error) {
    if (error instanceof Error && "code" in error && /^(?:ECONN|ENOTFOUND|28|3D)/.test(String(error.code))) {
      throw new ConfigFailure(`the database can't be reached: ${error.message}`, { cause: error });
    }
    throw error;
  } finally {
    await owner.end();
  }
  const stepsDown = "url" in access.server && config.databaseOwnerUrl === null;
  return createDatabase({
    access: access.server,
    maxConnections: config.databaseConnections,
    statementTimeoutMs: config.databaseTimeoutMs,
    applicationName: "wcs-server",
    ...(stepsDown ? { role: serverRole } : {}),
    onError,
  });
}
