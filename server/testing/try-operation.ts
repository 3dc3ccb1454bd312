import { requestHeaders, type Operation } from "@wcs/api";
import * as fc from "fast-check";
import { arbitraryOf } from "./schema-arbitrary.ts";

/** What goes into a request; names of parameters as they are, and the body as it is sent. */
export type Attempt = Readonly<{
  params: Readonly<Record<string, unknown>>;
  query: Readonly<Record<string, unknown>>;
  headers: Readonly<Record<string, string>>;
  body: unknown;
}>;

/** An answer: its status and its text. */
export type AttemptAnswer = Readonly<{ status: number; text: string; mediaType: string }>;

/** Requests that fit the operation's schemas. */
export function attemptsOf(operation: Operation): fc.Arbitrary<Attempt> {
  const headers = Object.fromEntries(requestHeaders(operation).map(({ name, schema }) => [name, arbitraryOf(schema)]));
  const part = (schema: unknown) =>
    (schema === undefined ? fc.constant({}) : arbitraryOf(schema)) as fc.Arbitrary<Readonly<Record<string, unknown>>>;
  return fc.record({
    params: part(operation.params),
    query: part(operation.query),
    headers: fc.record(headers, { requiredKeys: [] }) as fc.Arbitrary<Readonly<Record<string, string>>>,
    body: operation.body === undefined ? fc.constant(undefined) : arbitraryOf(operation.body),
  });
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value ?? "x"));

/** Sends a request as it is, without the client's types. A stream is read for a moment only. */
export async function tryOperation(
  baseUrl: string,
  token: string,
  operation: Operation,
  { params, query, headers, body }: Attempt,
): Promise<AttemptAnswer> {
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(textOf(params[name])));
  const url = new URL(path, baseUrl);
  for (const [name, value] of Object.entries(query)) url.searchParams.append(name, String(value));
  const sent = operation.method === "GET" ? undefined : body;
  const mediaType = operation.bodyMediaType ?? "application/json";
  const response = await fetch(url, {
    method: operation.method,
    headers: {
      ...headers,
      authorization: `Bearer ${token}`,
      ...(sent === undefined ? {} : { "content-type": mediaType }),
    },
    body: sent === undefined ? null : typeof sent === "string" ? sent : JSON.stringify(sent),
  });
  const type = response.headers.get("content-type") ?? "";
  if (!type.startsWith("text/event-stream")) {
    return { status: response.status, text: await response.text(), mediaType: type };
  }
  const reader = response.body?.getReader();
  const first = await reader?.read();
  await reader?.cancel();
  return { status: response.status, text: new TextDecoder().decode(first?.value), mediaType: type };
}
