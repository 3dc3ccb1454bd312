import { constants, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { checkBody } from "./check-body.ts";
import { LinkError } from "./link-error.ts";
import { readJson, readPreamble, writePreamble } from "./link-frame.ts";
import type { LinkAnswer, LinkMethod, LinkRequest } from "./link-method.ts";

/** How long to wait for the answer, and what ends the wait (and an open stream) sooner. */
export type LinkWait = Readonly<{ timeoutMs: number; signal?: AbortSignal | undefined }>;

/**
 * An open stream. Its end proves nothing: a cancelled stream ends like a finished one, so what is sent over it says itself when it is whole. `cancel` tells the
 * other side, whose `signal` fires.
 */
export type LinkStream<A> = Readonly<{ answer: A; stream: Duplex; cancel: () => void }>;

/** The other side of a link as one calls it. Every method throws a LinkError. */
export type LinkPeer = Readonly<{
  call: <M extends LinkMethod & Readonly<{ stream: false }>>(
    method: M,
    body: LinkRequest<M>,
    wait: LinkWait,
  ) => Promise<LinkAnswer<M>>;
  open: <M extends LinkMethod & Readonly<{ stream: true }>>(
    method: M,
    body: LinkRequest<M>,
    wait: LinkWait,
  ) => Promise<LinkStream<LinkAnswer<M>>>;
  /** Calls and streams that are open. */
  openCount: () => number;
}>;

const mostErrorBytes = 64 * 1024;

/** Calls over an HTTP/2 session of which this side is the client, whoever opened the connection. At most `mostCalls` at once. */
export function createLinkPeer(session: ClientHttp2Session, mostCalls: number): LinkPeer {
  let open = 0;

  const begin = (method: LinkMethod): ClientHttp2Stream => {
    if (session.closed || session.destroyed) throw new LinkError("link.away", "the link is closed");
    if (open >= mostCalls) throw new LinkError("link.busy", `${mostCalls} calls are open on this link`);
    const stream = session.request(
      { ":method": "POST", ":path": `/${method.stream ? "stream" : "call"}/${method.name}` },
      { endStream: false },
    );
    open += 1;
    stream.once("close", () => {
      open -= 1;
    });
    // What waits for the stream sees its failures; between two waits nobody does.
    stream.on("error", () => undefined);
    return stream;
  };

  return {
    openCount: () => open,
    call: async (method, body, wait) => {
      checkBody(method.request, body, `the request of ${method.name}`);
      const text = textOf(body, method);
      const stream = begin(method);
      const answer = await within(stream, { wait, method }, async () => {
        stream.end(text);
        await requireOk(stream);
        const read = await readJson(stream, method.mostAnswerBytes);
        requireWhole(stream);
        return read;
      });
      checkBody(method.answer, answer, `the answer of ${method.name}`);
      return answer as LinkAnswer<typeof method>;
    },
    open: async (method, body, wait) => {
      checkBody(method.request, body, `the request of ${method.name}`);
      const preamble = writePreamble(body, method.mostRequestBytes);
      const stream = begin(method);
      const cancel = (): void => cancelStream(stream);
      const answer = await within(stream, { wait, method }, async () => {
        stream.write(preamble);
        await requireOk(stream);
        return await readPreamble(stream, method.mostAnswerBytes);
      });
      try {
        checkBody(method.answer, answer, `the answer of ${method.name}`);
      } catch (error) {
        cancel();
        throw error;
      }
      if (wait.signal !== undefined) {
        const { signal } = wait;
        signal.addEventListener("abort", cancel, { once: true });
        stream.once("close", () => signal.removeEventListener("abort", cancel));
        if (signal.aborted) cancel();
      }
      return { answer: answer as LinkAnswer<typeof method>, stream, cancel };
    },
  };
}

/** Resets a stream, and drops what came and was not read, without which it would not close. */
function cancelStream(stream: ClientHttp2Stream): void {
  stream.close(constants.NGHTTP2_CANCEL);
  stream.destroy();
}

function textOf(body: unknown, { name, mostRequestBytes }: LinkMethod): Buffer {
  const text = Buffer.from(JSON.stringify(body));
  if (text.length <= mostRequestBytes) return text;
  throw new LinkError(
    "link.too-large",
    `the request of ${name} has ${text.length} bytes, more than ${mostRequestBytes}`,
  );
}

/** Runs `work` on the stream until the time is up, the caller gives up or the link breaks; then the stream is cancelled. */
async function within<T>(
  stream: ClientHttp2Stream,
  { wait, method }: Readonly<{ wait: LinkWait; method: LinkMethod }>,
  work: () => Promise<T>,
): Promise<T> {
  const ended = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => ended.reject(new LinkError("link.timeout", `${method.name}: no answer within ${wait.timeoutMs} ms`)),
    wait.timeoutMs,
  );
  const onAbort = (): void => ended.reject(new LinkError("link.cancelled", `${method.name} was cancelled`));
  wait.signal?.addEventListener("abort", onAbort, { once: true });
  if (wait.signal?.aborted === true) onAbort();
  try {
    return await Promise.race([work(), ended.promise]);
  } catch (error) {
    cancelStream(stream);
    // RFC 9113, 8.7: a refused stream was not worked on at all.
    if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM) {
      throw new LinkError("link.away", `${method.name}: the other side takes no more calls on this link`, {
        cause: error,
      });
    }
    if (error instanceof LinkError) throw error;
    throw new LinkError("link.cut", `${method.name}: the link broke before the answer`, { cause: error });
  } finally {
    clearTimeout(timer);
    wait.signal?.removeEventListener("abort", onAbort);
  }
}

/** Waits for the head of the answer; throws what the other side refused with. */
async function requireOk(stream: ClientHttp2Stream): Promise<void> {
  const status = await new Promise<number>((resolve, reject) => {
    const cut = (error?: unknown): void => {
      reject(new LinkError("link.cut", "the link broke before the answer", { cause: error }));
    };
    stream.once("response", (headers) => resolve(Number(headers[":status"])));
    stream.once("error", cut);
    stream.once("close", () => cut());
  });
  if (status === 200) return;
  const problem = (await readJson(stream, mostErrorBytes)) as Readonly<{ code?: string; detail?: string }> | null;
  throw new LinkError(problem?.code ?? "link.failed", problem?.detail ?? `status ${status}`);
}

/** A stream that was reset ends like one that is whole: its code tells them apart. */
function requireWhole(stream: ClientHttp2Stream): void {
  if (stream.aborted || (stream.rstCode !== undefined && stream.rstCode !== constants.NGHTTP2_NO_ERROR)) {
    throw new LinkError("link.cut", "the answer broke off");
  }
}
