/**
 * Why a call over the agent link failed. `away`: there is no link to the host, and nothing was done. `cut`: it broke before the answer; whether the call was carried out is not
 * known. `timeout` and `cancelled`: the caller stopped waiting. `busy`, `too-large`, `invalid`, `unknown-method`: nothing was done. `failed`: the
 * other side's bug. Handlers refuse with codes of their own, such as `instance.not-here`.
 */
export type LinkErrorCode =
  | `link.${"away" | "cut" | "timeout" | "cancelled" | "busy" | "too-large" | "invalid" | "unknown-method" | "failed"}`
  | (string & {});

/** A call over the agent link that failed, on either side. */
export class LinkError extends Error {
  override readonly name = "LinkError";
  readonly code: LinkErrorCode;

  constructor(code: LinkErrorCode, detail: string, options: ErrorOptions = {}) {
    super(detail, options);
    this.code = code;
  }
}
