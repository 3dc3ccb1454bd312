import type { Problem } from "../problem/problem-schema.ts";
import type { Operation, OperationAnswer, OperationBody, OperationParams, OperationQuery } from "./operation.ts";
import { ProblemError } from "./problem-error.ts";

/** What comes with an act besides its body. */
export type ActOptions = Readonly<{ idempotencyKey?: string; reason?: string; ticket?: string; ifMatch?: string }>;

type Optional<K extends string, V> = [V] extends [undefined] ? object : Readonly<Record<K, V>>;
type OptionalQuery<V> = [V] extends [undefined] ? object : Readonly<{ query?: V }>;

/** What an operation takes: `params`, `query` and `body` as its schemas say, and the headers of an act. */
export type CallInput<O extends Operation> = Optional<"params", OperationParams<O>> &
  OptionalQuery<OperationQuery<O>> &
  Optional<"body", OperationBody<O>> &
  ActOptions &
  Readonly<{ signal?: AbortSignal }>;

/** A successful answer; `etag` is there when the resource has versions. */
export type CallResult<T> = Readonly<{ status: number; body: T; etag: string | undefined; replayed: boolean }>;

export type ClientOptions = Readonly<{
  /** Such as `http://127.0.0.1:8080`. */
  baseUrl: string;
  token: string | undefined;
  language?: string;
  timeoutMs?: number;
  fetch?: typeof fetch;
}>;

/** A client of the API, typed by the operations' own schemas. */
export type Client = Readonly<{
  call: <O extends Operation>(operation: O, input: CallInput<O>) => Promise<CallResult<OperationAnswer<O>>>;
  /** The raw answer, for streams. Throws a ProblemError for what is not a success. */
  open: <O extends Operation>(operation: O, input: CallInput<O>) => Promise<Response>;
}>;

/** Makes a client. Throws ProblemError for an answer that is a problem, and what `fetch` throws when there is none. */
export function createClient(options: ClientOptions): Client {
  const send = options.fetch ?? fetch;
  const open = async (operation: Operation, input: LooseInput): Promise<Response> => {
    const url = new URL(pathOf(operation, input.params ?? {}), options.baseUrl);
    for (const [name, value] of Object.entries(input.query ?? {})) {
      for (const item of Array.isArray(value) ? value : [value]) {
        if (item !== undefined) url.searchParams.append(name, String(item));
      }
    }
    const signals = [
      input.signal,
      options.timeoutMs === undefined ? undefined : AbortSignal.timeout(options.timeoutMs),
    ];
    const response = await send(url, {
      method: operation.method,
      headers: headersOf(operation, input, options),
      body: input.body === undefined ? null : typeof input.body === "string" ? input.body : JSON.stringify(input.body),
      signal: AbortSignal.any(signals.filter((signal) => signal !== undefined)),
    });
    if (!response.ok) throw await problemOf(response);
    return response;
  };
  return {
    open: (operation, input) => open(operation, input as LooseInput),
    call: async (operation, input) => {
      const response = await open(operation, input as LooseInput);
      const text = await response.text();
      return {
        status: response.status,
        body: (text === "" ? undefined : JSON.parse(text)) as OperationAnswer<typeof operation>,
        etag: response.headers.get("etag") ?? undefined,
        replayed: response.headers.get("idempotency-replayed") === "true",
      };
    },
  };
}

type LooseInput = ActOptions &
  Readonly<{
    params?: Readonly<Record<string, string | number>>;
    query?: Readonly<Record<string, unknown>>;
    body?: unknown;
    signal?: AbortSignal;
  }>;

function pathOf(operation: Operation, params: Readonly<Record<string, string | number>>): string {
  return operation.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = params[name];
    if (value === undefined || value === "") throw new TypeError(`${operation.id}: no value for ${name}`);
    return encodeURIComponent(value);
  });
}

function headersOf(operation: Operation, input: LooseInput, options: ClientOptions): Record<string, string> {
  const headers: Record<string, string> = { accept: operation.answerMediaType ?? "application/json" };
  if (options.token !== undefined) headers["authorization"] = `Bearer ${options.token}`;
  if (options.language !== undefined) headers["accept-language"] = options.language;
  if (input.body !== undefined) headers["content-type"] = operation.bodyMediaType ?? "application/json";
  if (input.idempotencyKey !== undefined) headers["idempotency-key"] = input.idempotencyKey;
  if (input.reason !== undefined) headers["wcs-reason"] = encodeURIComponent(input.reason);
  if (input.ticket !== undefined) headers["wcs-ticket"] = input.ticket;
  if (input.ifMatch !== undefined) headers["if-match"] = input.ifMatch;
  return headers;
}

async function problemOf(response: Response): Promise<ProblemError> {
  const text = await response.text();
  if (response.headers.get("content-type")?.startsWith("application/problem+json") === true) {
    return new ProblemError(JSON.parse(text) as Problem);
  }
  return new ProblemError({
    type: "about:blank",
    title: `The server answered ${response.status}`,
    status: response.status,
    code: "server.failed",
    detail: text.slice(0, 500),
  });
}
