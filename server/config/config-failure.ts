/** A setting that the operator must mend; its message says which and how. */
export class ConfigFailure extends Error {
  override readonly name = "ConfigFailure";
}
