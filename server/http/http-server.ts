import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import rateLimit from "@fastify/rate-limit";
import { operations, type Operation } from "@wcs/api";
import Fastify, { LogController, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { requireAny, type Principal } from "../access/principal.ts";
import type { Config } from "../config/settings.ts";
import type { Database } from "../database/database.ts";
import type { Authenticator } from "../token/authenticate.ts";
import { runAct } from "./act-frame.ts";
import { authenticateRequest } from "./authenticate-request.ts";
import { Failure } from "./failure.ts";
import type { KeyRing } from "../secrets/key-ring.ts";
import { requestHash } from "./idempotency.ts";
import { jsonDepth } from "./json-depth.ts";
import { languageOf } from "./language.ts";
import { problemAnswer } from "./problem-answer.ts";
import type { Route, RouteRequest } from "./route.ts";
import { unkeptText } from "./unkept-text.ts";
import { createSourceLimit } from "./source-limit.ts";
import { requestValidator, type RequestValidator } from "./validation.ts";

export type HttpServerOptions = Readonly<{
  config: Pick<Config, "logLevel" | "requestsPerMinute" | "trustProxy" | "tlsCertificateFile" | "tlsKeyFile">;
  database: Database;
  /** Seals stored answers that hold a secret. */
  keyRing: KeyRing;
  routes: readonly Route[];
  authenticator: Authenticator;
  /** Fires when the server stops: streams end. */
  stopping: AbortSignal;
  onAnswer: (operation: string, status: number, durationMs: number) => void;
  /** Checks every answer against the contract, for tests. */
  checkAnswer?: (operation: Operation, status: number, body: unknown) => void;
  logTo?: NodeJS.WritableStream;
}>;

const defaultBodyLimitBytes = 1024 * 1024;
/** Objects and lists within each other in a body of JSON. What the API takes needs a third of it; what reads a body may recurse. */
const mostBodyDepth = 64;

declare module "fastify" {
  interface FastifyContextConfig {
    operationId?: string;
  }
}

type Served = FastifyRequest & { principal?: Principal; startedMs?: number };

/** Makes the HTTP server with a route for every operation. Throws when an operation has no route or a route no operation. */
export async function createHttpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  const { config, routes } = options;
  requireWhole(routes);
  const app = Fastify({
    logger: {
      level: config.logLevel,
      redact: ["req.headers.authorization", "req.headers.cookie"],
      ...(options.logTo === undefined ? {} : { stream: options.logTo }),
    },
    genReqId: () => randomUUID(),
    trustProxy: config.trustProxy,
    bodyLimit: defaultBodyLimitBytes,
    requestTimeout: 60_000,
    keepAliveTimeout: 75_000,
    forceCloseConnections: "idle",
    logController: new LogController({ disableRequestLogging: true }),
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 300, ignoreTrailingSlash: false },
    ...(config.tlsCertificateFile === null || config.tlsKeyFile === null
      ? {}
      : { https: { cert: readFileSync(config.tlsCertificateFile), key: readFileSync(config.tlsKeyFile) } }),
  }) as unknown as FastifyInstance;

  app.addContentTypeParser(["application/yaml", "text/yaml"], { parseAs: "string" }, (_request, body, done) =>
    done(null, body),
  );
  app.removeContentTypeParser("text/plain");
  const parseJson = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser("application/json", { parseAs: "string" }, (request, body, done) => {
    if (jsonDepth(String(body), mostBodyDepth) > mostBodyDepth) {
      done(new Failure("request.invalid", `the body is nested deeper than ${mostBodyDepth} levels`));
    } else {
      void parseJson(request, String(body), done);
    }
  });
  app.decorateRequest("principal", undefined);
  app.addHook("onRequest", async (request: Served, reply) => {
    request.startedMs = performance.now();
    void reply.header("x-request-id", request.id);
    void reply.header("cache-control", "no-store");
    void reply.header("x-content-type-options", "nosniff");
  });
  app.addHook("onResponse", async (request: Served, reply) => {
    const durationMs = performance.now() - (request.startedMs ?? 0);
    const operation = request.routeOptions.config.operationId ?? "unknown";
    options.onAnswer(operation, reply.statusCode, durationMs);
    const { principal } = request;
    const actor = principal === undefined ? null : `${principal.kind}/${principal.name}`;
    request.log.info(
      {
        operation,
        method: request.method,
        path: request.url,
        status: reply.statusCode,
        durationMs,
        actor,
        from: request.ip,
      },
      "answered",
    );
  });
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply));
  await app.register(rateLimit, { global: false });
  const strangersPerMinute = Math.max(10, Math.floor(config.requestsPerMinute / 10));
  const tooMany = (): Failure =>
    new Failure("request.rate-limited", "too many requests; Retry-After says how long to wait");
  const limitStrangers = app.rateLimit({
    max: strangersPerMinute,
    timeWindow: "1 minute",
    keyGenerator: (request) => request.ip,
    errorResponseBuilder: tooMany,
  });
  app.setNotFoundHandler({ preHandler: limitStrangers }, (request, reply) =>
    sendProblem(
      new Failure("resource.not-found", `there is no ${request.method} ${request.url.split("?")[0]}`),
      request,
      reply,
    ),
  );
  const failedLogins = createSourceLimit({ most: strangersPerMinute, windowMs: 60_000, now: Date.now });
  const limitTokens = app.rateLimit({
    max: config.requestsPerMinute,
    timeWindow: "1 minute",
    keyGenerator: (request: Served) => request.principal?.tokenId ?? request.ip,
    errorResponseBuilder: tooMany,
  });

  for (const route of routes) {
    const { operation } = route;
    const isPublic = operation.permission === "public";
    const validator = requestValidator(operation);
    app.route({
      method: operation.method,
      url: operation.path.replace(/\{(\w+)\}/g, ":$1"),
      bodyLimit: operation.bodyLimitBytes ?? defaultBodyLimitBytes,
      config: { operationId: operation.id },
      onRequest: isPublic
        ? []
        : [
            async (request: Served, reply) => {
              request.principal = await authenticateRequest({
                request,
                reply,
                authenticator: options.authenticator,
                failedLogins,
              });
            },
          ],
      preParsing: [isPublic ? limitStrangers : limitTokens],
      handler: (request: Served, reply) => serve({ route, validator, options, request, reply }),
    });
  }
  return app;
}

function requireWhole(routes: readonly Route[]): void {
  const served = new Set(routes.map(({ operation }) => operation.id));
  const missing = operations.filter(({ id }) => !served.has(id)).map(({ id }) => id);
  if (missing.length > 0) throw new Error(`operations without a route: ${missing.join(", ")}`);
  const known = new Set(operations.map(({ id }) => id));
  const extra = [...served].filter((id) => !known.has(id));
  if (extra.length > 0) throw new Error(`routes whose operation is not in the API's list: ${extra.join(", ")}`);
}

type Serving = Readonly<{
  route: Route;
  validator: RequestValidator;
  options: HttpServerOptions;
  request: Served;
  reply: FastifyReply;
}>;

async function serve({ route, validator, options, request, reply }: Serving): Promise<FastifyReply> {
  const { operation } = route;
  const principal = request.principal ?? anonymous;
  if (typeof operation.permission === "object") {
    requireAny(principal, operation.permission.verb, operation.permission.resource);
  }
  const query = { ...(request.query as object) };
  validator.params(request.params);
  validator.query(query);
  validator.headers(request.headers);
  if (operation.body !== undefined) validator.body(request.body);
  const gone = new AbortController();
  reply.raw.once("close", () => {
    // Whoever has the whole answer has not gone away from it; an abort makes an error with a stack, for every request.
    if (!reply.raw.writableFinished) gone.abort();
  });
  const routeRequest = {
    params: request.params,
    query,
    body: request.body,
    principal,
    requestId: request.id,
    from: request.ip,
    language: languageOf(request.headers["accept-language"]),
    ticket: header(request, "wcs-ticket"),
    ifMatch: versionOf(header(request, "if-match")),
    signal: AbortSignal.any([gone.signal, options.stopping]),
  } as unknown as RouteRequest<Operation>;

  if (route.type === "stream") {
    await route.handle(routeRequest, reply);
    return reply;
  }
  if (route.type === "read") {
    const { status, body, version } = await route.handle(routeRequest);
    return send({ options, operation, reply }, status, body, version === undefined ? null : `"${version}"`);
  }
  const key = header(request, "idempotency-key");
  const actor = `${principal.kind}/${principal.name}`;
  const answer = await runAct({
    database: options.database,
    route,
    request: routeRequest,
    context: {
      actor: { kind: principal.kind, name: principal.name, tokenId: principal.tokenId },
      from: request.ip,
      requestId: request.id,
      act: operation.id,
      reason: reasonOf(header(request, "wcs-reason")),
      ticket: routeRequest.ticket,
    },
    idempotent:
      key === null
        ? null
        : {
            actor,
            key,
            seal: operation.answersSecret === true ? options.keyRing : null,
            requestHash: requestHash({
              operation: operation.id,
              params: request.params,
              query,
              body: request.body,
              ifMatch: routeRequest.ifMatch,
            }),
          },
    dryRun: (query as { dryRun?: boolean }).dryRun === true,
  });
  if (answer.replayed) void reply.header("idempotency-replayed", "true");
  return send({ options, operation, reply }, answer.status, answer.body ?? undefined, answer.etag);
}

type Sending = Readonly<{ options: HttpServerOptions; operation: Operation; reply: FastifyReply }>;

function send(
  { options, operation, reply }: Sending,
  status: number,
  body: unknown,
  etag: string | null,
): FastifyReply {
  options.checkAnswer?.(operation, status, body);
  if (etag !== null) void reply.header("etag", etag);
  void reply.code(status);
  if (body === undefined) return reply.send();
  const mediaType = operation.answerMediaType ?? "application/json";
  void reply.header("content-type", `${mediaType}; charset=utf-8`);
  return reply.send(mediaType === "application/json" ? JSON.stringify(body) : body);
}

function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { problem, headers, bug } = problemAnswer(error, request.id, languageOf(request.headers["accept-language"]));
  if (bug) request.log.error({ err: error }, problem.title);
  return reply
    .code(problem.status)
    .headers(headers)
    .header("content-type", "application/problem+json; charset=utf-8")
    .send(JSON.stringify(problem));
}

function header(request: FastifyRequest, name: string): string | null {
  const value = request.headers[name];
  return typeof value === "string" ? value : null;
}

const versionOf = (etag: string | null): number | null => (etag === null ? null : Number(etag.slice(1, -1)));

function reasonOf(text: string | null): string | null {
  if (text === null) return null;
  let reason: string;
  try {
    reason = decodeURIComponent(text);
  } catch (error) {
    throw new Failure("request.invalid", "WCS-Reason is not percent-encoded UTF-8", { cause: error });
  }
  const unkept = unkeptText(reason);
  if (unkept !== null) throw new Failure("request.invalid", `WCS-Reason ${unkept.message}`);
  return reason;
}

/** Who asks on a public route. */
const anonymous: Principal = { kind: "System", name: "anonymous", tokenId: "anonymous", grants: [], tokenScope: null };
