import { parseArgs } from "node:util";
import { ConfigFailure } from "./config-failure.ts";
import { defaultStateDirectory } from "./default-state-directory.ts";

/** Where the program listens. */
export type ListenAddress = Readonly<{ host: string; port: number }>;

/** One setting: its environment variable, its flag, its default as text, and what it means. */
type Setting<T> = Readonly<{
  env: string;
  flag: string;
  fallback: string | null;
  help: string;
  parse: (text: string) => T;
}>;

const text = (value: string): string => value;
const integer =
  (least: number, most: number) =>
  (value: string): number => {
    const number = Number(value);
    if (!/^[0-9]+$/.test(value) || number < least || number > most) {
      throw new ConfigFailure(`"${value}" is not a whole number from ${least} to ${most}`);
    }
    return number;
  };
const yesOrNo = (value: string): boolean => {
  if (value !== "yes" && value !== "no") throw new ConfigFailure(`"${value}" is neither "yes" nor "no"`);
  return value === "yes";
};
const oneOf =
  (...words: readonly string[]) =>
  (value: string): string => {
    if (!words.includes(value)) throw new ConfigFailure(`"${value}" is not one of ${words.join(", ")}`);
    return value;
  };

function listenAddress(value: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(value);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw new ConfigFailure(`"${value}" is not HOST:PORT`);
  return { host: match[1] ?? match[2] ?? "", port };
}

/** Every setting of the server, by its name in Config. docs/server.md and `--help` list them. */
export const settings = {
  listen: {
    env: "WCS_LISTEN",
    flag: "listen",
    fallback: "127.0.0.1:8080",
    help: "HOST:PORT to listen on",
    parse: listenAddress,
  },
  insecureListen: {
    env: "WCS_INSECURE_LISTEN",
    flag: "insecure-listen",
    fallback: "no",
    help: "yes: allow an address other than loopback without TLS (a proxy in front does it)",
    parse: yesOrNo,
  },
  tlsCertificateFile: {
    env: "WCS_TLS_CERT_FILE",
    flag: "tls-cert-file",
    fallback: null,
    help: "PEM certificate chain",
    parse: text,
  },
  tlsKeyFile: { env: "WCS_TLS_KEY_FILE", flag: "tls-key-file", fallback: null, help: "PEM private key", parse: text },
  trustProxy: {
    env: "WCS_TRUST_PROXY",
    flag: "trust-proxy",
    fallback: "no",
    help: "yes: believe X-Forwarded-For of the proxy in front",
    parse: yesOrNo,
  },
  stateDirectory: {
    env: "WCS_STATE_DIR",
    flag: "state-dir",
    fallback: null,
    help: "keys, checkpoints, embedded database",
    parse: text,
  },
  databaseUrl: {
    env: "WCS_DATABASE_URL",
    flag: "database-url",
    fallback: null,
    help: "the bank's own PostgreSQL (18 or newer); without it the embedded one runs",
    parse: text,
  },
  databaseOwnerUrl: {
    env: "WCS_DATABASE_OWNER_URL",
    flag: "database-owner-url",
    fallback: null,
    help: "the role that owns the schema and migrates it; without it WCS_DATABASE_URL's role does, and the server steps down to wcs_server",
    parse: text,
  },
  databaseConnections: {
    env: "WCS_DATABASE_CONNECTIONS",
    flag: "database-connections",
    fallback: "16",
    help: "most connections to the database",
    parse: integer(2, 500),
  },
  databaseWaitMs: {
    env: "WCS_DATABASE_WAIT_MS",
    flag: "database-wait-ms",
    fallback: "60000",
    help: "how long a start waits for a database that can't be reached, starts or recovers",
    parse: integer(0, 3_600_000),
  },
  databaseTimeoutMs: {
    env: "WCS_DATABASE_TIMEOUT_MS",
    flag: "database-timeout-ms",
    fallback: "30000",
    help: "longest statement",
    parse: integer(100, 600_000),
  },
  logLevel: {
    env: "WCS_LOG_LEVEL",
    flag: "log-level",
    fallback: "info",
    help: "trace, debug, info, warn, error or silent",
    parse: oneOf("trace", "debug", "info", "warn", "error", "silent"),
  },
  requestsPerMinute: {
    env: "WCS_REQUESTS_PER_MINUTE",
    flag: "requests-per-minute",
    fallback: "6000",
    help: "rate limit of one token; a tenth of it for an address without a valid token",
    parse: integer(10, 10_000_000),
  },
  stopTimeoutMs: {
    env: "WCS_STOP_TIMEOUT_MS",
    flag: "stop-timeout-ms",
    fallback: "15000",
    help: "longest wait for running requests when stopping",
    parse: integer(0, 600_000),
  },
  checkpointIntervalMs: {
    env: "WCS_AUDIT_CHECKPOINT_MS",
    flag: "audit-checkpoint-ms",
    fallback: "10000",
    help: "how often the audit chain's heads are signed and exported",
    parse: integer(100, 3_600_000),
  },
  checkpointFile: {
    env: "WCS_AUDIT_CHECKPOINT_FILE",
    flag: "audit-checkpoint-file",
    fallback: null,
    help: "where to; best on storage that the database's administrators can't write (default: in the state directory)",
    parse: text,
  },
  watchRetentionHours: {
    env: "WCS_WATCH_RETENTION_HOURS",
    flag: "watch-retention-hours",
    fallback: "168",
    help: "how long a watch cursor stays good",
    parse: integer(1, 8760),
  },
  baselineIntervalMs: {
    env: "WCS_BASELINE_MS",
    flag: "baseline-ms",
    fallback: "60000",
    help: "how often the baseline of every cluster is compared with what it should be",
    parse: integer(1_000, 3_600_000),
  },
  leaseMs: {
    env: "WCS_LEASE_MS",
    flag: "lease-ms",
    fallback: "15000",
    help: "how long the work of a server that died waits before another takes it up",
    parse: integer(1_000, 300_000),
  },
  clusterCallsPerSecond: {
    env: "WCS_CLUSTER_CALLS_PER_SECOND",
    flag: "cluster-calls-per-second",
    fallback: "100",
    help: "most calls of one server to one cluster's API server; twice as many in a burst",
    parse: integer(5, 5_000),
  },
  oidcIssuer: {
    env: "WCS_OIDC_ISSUER",
    flag: "oidc-issuer",
    fallback: null,
    help: "the people's identity provider",
    parse: text,
  },
  oidcClientId: {
    env: "WCS_OIDC_CLIENT_ID",
    flag: "oidc-client-id",
    fallback: null,
    help: "WCS's client id there",
    parse: text,
  },
  oidcClientSecretFile: {
    env: "WCS_OIDC_CLIENT_SECRET_FILE",
    flag: "oidc-client-secret-file",
    fallback: null,
    help: "file with the client's secret, if it has one",
    parse: text,
  },
  oidcNameClaim: {
    env: "WCS_OIDC_NAME_CLAIM",
    flag: "oidc-name-claim",
    fallback: "preferred_username",
    help: "the claim that names the Person in the estate",
    parse: text,
  },
  oidcAllowHttp: {
    env: "WCS_OIDC_ALLOW_HTTP",
    flag: "oidc-allow-http",
    fallback: "no",
    help: "yes: an issuer without TLS, for tests on loopback",
    parse: yesOrNo,
  },
  agentListen: {
    env: "WCS_AGENT_LISTEN",
    flag: "agent-listen",
    fallback: null,
    help: "HOST:PORT to listen on for the agents of hosts (mutual TLS by WCS's own authority); without it no agent can connect to this server",
    parse: listenAddress,
  },
  agentAddress: {
    env: "WCS_AGENT_ADDRESS",
    flag: "agent-address",
    fallback: null,
    help: "HOST:PORT by which agents reach this server (default: where it listens)",
    parse: (value: string) => {
      listenAddress(value);
      return value;
    },
  },
  agentCertificateMs: {
    env: "WCS_AGENT_CERTIFICATE_MS",
    flag: "agent-certificate-ms",
    fallback: "86400000",
    help: "how long an agent's certificate lives; the agent renews it after half of that",
    parse: integer(1_000, 2_592_000_000),
  },
  loginHours: {
    env: "WCS_LOGIN_HOURS",
    flag: "login-hours",
    fallback: "12",
    help: "how long a login's token lives",
    parse: integer(1, 720),
  },
} as const satisfies Readonly<Record<string, Setting<unknown>>>;

type Settings = typeof settings;
type ValueOf<S> = S extends Setting<infer T> ? (S["fallback"] extends null ? T | null : T) : never;

/** The server's configuration. */
export type Config = Readonly<{ [K in Exclude<keyof Settings, "stateDirectory">]: ValueOf<Settings[K]> }> &
  Readonly<{ stateDirectory: string }>;

/** Reads the configuration; a flag wins over its environment variable. Throws a ConfigFailure that names the setting. */
export function readConfig(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Config {
  const flags = readFlags(args);
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(settings)) {
    const given = flags[setting.flag] ?? env[setting.env];
    const value = given === undefined || given === "" ? setting.fallback : given;
    try {
      values[name] = value === null ? null : setting.parse(value);
    } catch (error) {
      if (!(error instanceof ConfigFailure)) throw error;
      throw new ConfigFailure(`--${setting.flag} (${setting.env}): ${error.message}`, { cause: error });
    }
  }
  values["stateDirectory"] ??= defaultStateDirectory(env);
  const config = values as Config;
  requireSafeListen(config);
  return config;
}

function readFlags(args: readonly string[]): Readonly<Record<string, string | undefined>> {
  const options = Object.fromEntries(Object.values(settings).map(({ flag }) => [flag, { type: "string" as const }]));
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false }).values;
  } catch (error) {
    throw new ConfigFailure(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function requireSafeListen({ listen, insecureListen, tlsCertificateFile, tlsKeyFile }: Config): void {
  if ((tlsCertificateFile === null) !== (tlsKeyFile === null)) {
    throw new ConfigFailure("--tls-cert-file and --tls-key-file come together");
  }
  const isLoopback = listen.host === "localhost" || listen.host === "::1" || listen.host.startsWith("127.");
  if (!isLoopback && tlsCertificateFile === null && !insecureListen) {
    throw new ConfigFailure(
      `--listen ${listen.host}:${listen.port} is not loopback, and tokens would go over it in the clear: give --tls-cert-file and --tls-key-file, or --insecure-listen yes behind a proxy that does TLS`,
    );
  }
}
