import { constants, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { checkBody } from "./check-body.ts";
import { LinkError } from "./link-error.ts";
import { readJson, readPreamble, writePreamble } from "./link-frame.ts";
import type { LinkAnswer, LinkMethod, LinkRequest } from "./link-method.ts";

/** What a handler gets. `signal` fires when the caller gives up or the link breaks; `context` is who the other side is. */
export type LinkCall<M, C> = Readonly<{ body: LinkRequest<M>; context: C; signal: AbortSignal }>;

/** What serves one method. Throws a LinkError to refuse; anything else is a bug, which is logged and answers `link.failed`. */
export type LinkHandler<C> = Readonly<{
  method: LinkMethod;
  answer: (
    call: LinkCall<LinkMethod, C>,
  ) => Promise<Readonly<{ answer: unknown; run: ((stream: Duplex) => Promise<void>) | null }>>;
}>;

/** Serves a method that answers once. */
export function onCall<M extends LinkMethod & Readonly<{ stream: false }>, C>(
  method: M,
  handle: (call: LinkCall<M, C>) => Promise<LinkAnswer<M>>,
): LinkHandler<C> {
  return {
    method,
    answer: async (call) => ({ answer: await handle(call as LinkCall<M, C>), run: null }),
  };
}

/** Serves a stream: `open` decides and gives the answer, then `run` has the bytes. The stream is closed when it returns. */
export function onStream<M extends LinkMethod & Readonly<{ stream: true }>, C>(
  method: M,
  open: (call: LinkCall<M, C>) => Promise<Readonly<{ answer: LinkAnswer<M>; run: (stream: Duplex) => Promise<void> }>>,
): LinkHandler<C> {
  return { method, answer: (call) => open(call as LinkCall<M, C>) };
}

const bodyTimeoutMs = 30_000;

/** Serves the handlers to the other side of a session. `onBug` is told what a handler threw that is no LinkError. */
export function serveLink<C>(
  session: ServerHttp2Session,
  {
    handlers,
    context,
    onBug,
  }: Readonly<{ handlers: readonly LinkHandler<C>[]; context: C; onBug: (method: string, error: unknown) => void }>,
): void {
  const byPath = new Map(handlers.map((handler) => [pathOf(handler.method), handler]));
  session.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    const handler = byPath.get(headers[":path"] ?? "");
    if (handler === undefined) {
      const unknown = new LinkError("link.unknown-method", `there is no ${headers[":method"]} ${headers[":path"]}`);
      return refuse(stream, unknown);
    }
    serveOne(stream, { handler, context }).catch((error: unknown) => {
      if (!(error instanceof LinkError)) onBug(handler.method.name, error);
      refuse(stream, error instanceof LinkError ? error : new LinkError("link.failed", "the other side failed"));
    });
  });
}

const pathOf = (method: LinkMethod): string => `/${method.stream ? "stream" : "call"}/${method.name}`;

async function serveOne<C>(
  stream: ServerHttp2Stream,
  { handler, context }: Readonly<{ handler: LinkHandler<C>; context: C }>,
): Promise<void> {
  const { method } = handler;
  const gone = new AbortController();
  // `close` alone comes late: it waits until what was received has been read.
  for (const event of ["aborted", "close"] as const) stream.once(event, () => gone.abort());
  const late = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), bodyTimeoutMs);
  let body: unknown;
  try {
    body = await (method.stream ? readPreamble : readJson)(stream, method.mostRequestBytes);
  } finally {
    clearTimeout(late);
  }
  if (stream.aborted) return;
  checkBody(method.request, body, `the request of ${method.name}`);
  const { answer, run } = await handler.answer({ body, context, signal: gone.signal });
  checkBody(method.answer, answer, `the answer of ${method.name}`);
  if (run === null) {
    const text = Buffer.from(JSON.stringify(answer));
    if (text.length > method.mostAnswerBytes) {
      throw new LinkError("link.too-large", `the answer has ${text.length} bytes`);
    }
    if (stream.closed) return;
    stream.respond({ ":status": 200 });
    stream.end(text);
    return;
  }
  if (!stream.closed) {
    stream.respond({ ":status": 200 });
    stream.write(writePreamble(answer, method.mostAnswerBytes));
  }
  // Even for a caller who is gone: what `open` began, `run` ends.
  await run(stream);
  if (!stream.writableEnded && !stream.closed) stream.end();
  // What the caller still sends is read by nobody: without this the stream stays open until the caller ends it.
  if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
}

/** Answers with an error, or breaks the stream off when the answer has begun. */
function refuse(stream: ServerHttp2Stream, error: LinkError): void {
  if (stream.closed || stream.destroyed) return;
  if (stream.headersSent) return stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  stream.respond({ ":status": 422 });
  stream.end(JSON.stringify({ code: error.code, detail: error.message }));
  stream.resume();
}
