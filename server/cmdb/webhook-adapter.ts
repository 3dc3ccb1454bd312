import { createHmac } from "node:crypto";
import type { CmdbAdapter } from "./cmdb-adapter.ts";

const timeoutMs = 10_000;
const mostReasonBytes = 300;

/**
 * Posts a message as JSON. WCS-Signature is `v1=` and HMAC-SHA256 over WCS-Timestamp (seconds since 1970), a dot and the body: the
 * receiver refuses old timestamps, so that nobody can play a message again. Redirects are not followed.
 */
export const webhookAdapter: CmdbAdapter = async ({ url, key }, message, signal) => {
  const body = JSON.stringify(message);
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = createHmac("sha256", key).update(`${timestamp}.${body}`).digest("hex");
  const response = await fetch(url, {
    method: "POST",
    body,
    headers: {
      "content-type": "application/json",
      "idempotency-key": message.key,
      "wcs-timestamp": timestamp,
      "wcs-signature": `v1=${signature}`,
    },
    redirect: "manual",
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  }).catch((error: unknown) => {
    throw new Error(reasonOf(error), { cause: error });
  });
  const text = await response.text().catch(() => "");
  if (!response.ok) throw new Error(`the CMDB answered ${response.status}: ${text.slice(0, mostReasonBytes)}`);
};

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `the CMDB did not answer within ${timeoutMs} ms`;
  return `the CMDB can't be reached: ${error.cause instanceof Error ? error.cause.message : error.message}`;
}
