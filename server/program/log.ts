import type { FastifyBaseLogger } from "fastify";

/** The structured log: one JSON object a line. First what, then a sentence. */
export type Log = Pick<FastifyBaseLogger, "debug" | "info" | "warn" | "error">;
