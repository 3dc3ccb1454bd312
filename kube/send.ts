import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { backoffMs } from "./backoff.ts";
import { KubeError } from "./errors.ts";
import type { ClusterAccess } from "./kubeconfig.ts";
import { createRateLimit, type CallPriority } from "./rate-limit.ts";
import { statusError } from "./status-error.ts";
import { createTransport, expiredCredential, type Answer, type Call } from "./transport.ts";

/** What every call may say. */
export type CallOptions = Readonly<{
  signal?: AbortSignal | undefined;
  /** For one attempt. Default 30,000. */
  timeoutMs?: number | undefined;
  /** Who goes first when calls wait for the client's rate limit. Default `normal`. */
  priority?: CallPriority | undefined;
}>;

export type SendOptions = Readonly<{
  access: ClusterAccess;
  userAgent: string;
  /** Default 50, with a burst of 100. */
  callsPerSecond?: number;
  burst?: number;
  /** How many calls may wait for the rate limit. Default 2,000. */
  maxWaiting?: number;
  /** Attempts of one call, where repeating is safe. Default 4. */
  maxAttempts?: number;
  connectTimeoutMs?: number;
  maxConnections?: number;
}>;

export type SendStatistics = { calls: number; retries: number; throttled: number; waiting: number };

export type Request = Readonly<{
  method: Call["method"];
  path: string;
  body?: unknown;
  contentType?: string;
  /** Whether doing it twice is the same as once. Reads always are. */
  repeatable: boolean;
}>;

/** Sends calls in turn, repeats where it is safe, and turns answers into values or KubeErrors. */
export function createSender(options: SendOptions) {
  const { access, maxAttempts = 4 } = options;
  const transport = createTransport(options);
  const limit = createRateLimit({
    callsPerSecond: options.callsPerSecond ?? 50,
    burst: options.burst ?? 100,
    maxWaiting: options.maxWaiting ?? 2_000,
  });
  const statistics: SendStatistics = { calls: 0, retries: 0, throttled: 0, waiting: 0 };

  const failureOf = (answer: Pick<Answer, "statusCode" | "headers" | "body">, call: string): KubeError => {
    const error = statusError({
      statusCode: answer.statusCode,
      body: answer.body,
      retryAfter: answer.headers["retry-after"],
      call,
    });
    return error.statusCode === 401 ? (expiredCredential(access, error) ?? error) : error;
  };

  /**
   * May the call be repeated after `error`? A 429 was refused before anything was done, and a call that never reached
   * the server did nothing; those are repeated for every verb. After a lost connection, a 502, 503 or 504 the call may
   * have been done: only repeatable ones.
   */
  function mayRepeat(error: KubeError, repeatable: boolean): boolean {
    if (error.reason === "too-many-requests") return error.statusCode === 429;
    if (error.reason === "unreachable") return !error.reached || repeatable;
    if (error.reason === "server-error") return repeatable && [502, 503, 504].includes(error.statusCode ?? 0);
    return false;
  }

  async function attempt(request: Request, call: CallOptions): Promise<Answer> {
    await limit.admit(call.priority ?? "normal", call.signal);
    statistics.calls += 1;
    return transport.call({
      method: request.method,
      path: request.path,
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      ...(request.contentType === undefined ? {} : { contentType: request.contentType }),
      timeoutMs: call.timeoutMs ?? 30_000,
      signal: call.signal,
    });
  }

  /** The answer with status 2xx. Throws KubeError. */
  async function sendForAnswer(request: Request, call: CallOptions): Promise<Answer> {
    for (let attempts = 1; ; attempts += 1) {
      let error: KubeError;
      try {
        const answer = await attempt(request, call);
        if (answer.statusCode >= 200 && answer.statusCode < 300) return answer;
        error = failureOf(answer, `${request.method} ${request.path}`);
      } catch (thrown) {
        if (!(thrown instanceof KubeError)) throw thrown;
        error = thrown;
      }
      if (error.reason === "too-many-requests") statistics.throttled += 1;
      if (attempts >= maxAttempts || !mayRepeat(error, request.repeatable)) throw error;
      const waitMs = error.retryAfterMs ?? backoffMs({ baseMs: 100, maxMs: 5_000 }, attempts);
      if (error.reason === "too-many-requests") limit.pause(waitMs);
      if (waitMs > 60_000) throw error;
      statistics.retries += 1;
      try {
        await sleep(waitMs, undefined, call.signal === undefined ? {} : { signal: call.signal });
      } catch {
        throw new KubeError("cancelled", `${request.method} ${request.path} was cancelled`, { cause: error });
      }
    }
  }

  return {
    transport,
    sendForAnswer,
    /** The parsed body. */
    send: async <T>(request: Request, call: CallOptions): Promise<T> => {
      const answer = await sendForAnswer(request, call);
      try {
        return JSON.parse(answer.body) as T;
      } catch (error) {
        throw new KubeError("protocol", `the answer to ${request.method} ${request.path} is not JSON`, {
          cause: error,
        });
      }
    },
    /** A body that is read as it comes; never repeated here, since its reader knows where it was. */
    stream: async (path: string, call: CallOptions): Promise<IncomingMessage> => {
      await limit.admit(call.priority ?? "normal", call.signal);
      statistics.calls += 1;
      const response = await transport.stream({
        method: "GET",
        path,
        timeoutMs: call.timeoutMs ?? 30_000,
        signal: call.signal,
      });
      if (response.statusCode === 200) return response;
      let body = "";
      for await (const chunk of response) {
        body += String(chunk);
        if (body.length > 65_536) break;
      }
      const error = failureOf({ statusCode: response.statusCode ?? 0, headers: response.headers, body }, `GET ${path}`);
      if (error.reason === "too-many-requests") limit.pause(error.retryAfterMs ?? 1_000);
      throw error;
    },
    statistics: (): SendStatistics => ({ ...statistics, waiting: limit.waiting() }),
    close: () => {
      limit.close();
      transport.close();
    },
  };
}
