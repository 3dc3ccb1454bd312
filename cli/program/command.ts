import type { Client } from "@wcs/api";
import type { Output } from "../output/output.ts";
import type { Language, Text } from "./texts.ts";

/** An option beside the global ones. */
export type CommandOption = Readonly<{
  type: "string" | "boolean";
  short?: string;
  /** What stands for its value in the usage line, such as `FILE`. */
  value?: string;
  help: Text;
  multiple?: boolean;
}>;

export type CommandOptions = Readonly<Record<string, CommandOption>>;

/** The values of a command's options, by name. */
export type OptionValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** What a command is given. */
export type CommandContext = Readonly<{
  /** Words after the command's name. */
  words: readonly string[];
  options: OptionValues;
  /** Connects on first use; throws a UsageError when no server or token is known. */
  client: () => Promise<Client>;
  output: Output;
  language: Language;
  env: Readonly<Record<string, string | undefined>>;
  readStdin: () => Promise<string>;
  /** Asks on the terminal; true at once with --yes. A command that destroys asks first. */
  confirm: (question: Text) => Promise<boolean>;
  /** Idempotency-Key, reason, ticket of an act: a new key each, so that a retry inside `wcs` does nothing twice. */
  act: () => Readonly<{ idempotencyKey: string; reason?: string; ticket?: string }>;
  isDryRun: boolean;
  signal: AbortSignal;
}>;

/** A verb of `wcs`. Its module is loaded only when it runs, so that `wcs` starts quickly. */
export type Command = Readonly<{
  /** Such as `RESOURCE [NAME]`. */
  usage: string;
  options: CommandOptions;
  examples: readonly string[];
  run: (context: CommandContext) => Promise<number>;
  /** Words that can stand next, for completion. */
  complete?: (words: readonly string[]) => Promise<readonly string[]>;
}>;

/** How a verb is listed without loading it. */
export type CommandEntry = Readonly<{ summary: Text; load: () => Promise<Command> }>;
