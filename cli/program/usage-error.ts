import type { Text } from "./texts.ts";

/** A command line that can't be understood: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly text: Text;

  constructor(en: string, zh: string) {
    super(en);
    this.text = { en, zh };
  }
}
