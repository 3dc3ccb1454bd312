/** What went wrong, as a word that programs can tell apart. */
export type LabErrorCode =
  | "usage"
  | "bad_topology"
  | "bad_state"
  | "not_found"
  | "not_up"
  | "busy"
  | "collision"
  | "missing"
  | "command_failed"
  | "timeout"
  | "needs_root";

/** A failure that the lab foresees. Its message says what was wrong and what to do; it needs no stack trace. */
export class LabError extends Error {
  readonly code: LabErrorCode;

  constructor(code: LabErrorCode, message: string) {
    super(message);
    this.name = "LabError";
    this.code = code;
  }
}
