import { get } from "node:http";

export type HttpAnswer = Readonly<{ atMs: number; passed: boolean; detail: string }>;

const timeoutMs = 3_000;

/** Asks an instance over HTTP; a status of 200 to 399 passes. Redirections are not followed. */
export async function checkHttp(url: string): Promise<HttpAnswer> {
  const { promise, resolve } = Promise.withResolvers<Omit<HttpAnswer, "atMs">>();
  const request = get(url, { timeout: timeoutMs, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
    response.destroy();
    const { statusCode = 0 } = response;
    resolve({ passed: statusCode >= 200 && statusCode < 400, detail: `${url} answered ${statusCode}` });
  });
  request.on("error", (error) => resolve({ passed: false, detail: `${url}: ${error.message}` }));
  return { ...(await promise), atMs: Date.now() };
}
