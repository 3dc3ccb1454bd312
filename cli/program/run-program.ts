import { parseArgs } from "node:util";
import { createOutput } from "../output/output.ts";
import { cell } from "../output/table.ts";
import type { Command, CommandContext, OptionValues } from "./command.ts";
import { commands } from "./commands.ts";
import { exitCodes } from "./exit-codes.ts";
import { globalOptions } from "./global-options.ts";
import { helpOf, overview } from "./help.ts";
import { languageOf, type Language, type Text } from "./texts.ts";
import { UsageError } from "./usage-error.ts";

/** What the program is given by its process, or by a test. */
export type ProgramOptions = Readonly<{
  args: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  stdout: (text: string) => void;
  stderr: (text: string) => void;
  stdin: AsyncIterable<Buffer> & Readonly<{ isTTY?: boolean }>;
  signal: AbortSignal;
}>;

/** Runs one command line; returns the exit code. */
export async function runProgram(options: ProgramOptions): Promise<number> {
  const language = languageOf(options.env);
  const [verb, ...rest] = options.args;
  if (verb === undefined || verb === "help" || verb === "--help" || verb === "-h") {
    const asked = verb !== undefined;
    (asked ? options.stdout : options.stderr)(overview(language));
    return asked ? exitCodes.ok : exitCodes.usage;
  }
  try {
    const entry = Object.hasOwn(commands, verb) ? commands[verb] : undefined;
    if (entry === undefined) {
      throw new UsageError(`there is no verb "${verb}": see wcs --help`, `没有命令 "${verb}"：请看 wcs --help`);
    }
    const command = await entry.load();
    const parsed = parse(command, rest);
    if (parsed.options["help"] === true) {
      options.stdout(helpOf({ verb, command, summary: entry.summary, language }));
      return exitCodes.ok;
    }
    return await command.run(contextOf(options, parsed, language));
  } catch (error) {
    return await report(error, options, language);
  }
}

type Parsed = Readonly<{ words: readonly string[]; options: OptionValues }>;

function parse(command: Command, args: readonly string[]): Parsed {
  const all = { ...globalOptions, ...command.options };
  const options = Object.fromEntries(
    Object.entries(all).map(([name, { type, ...more }]) => [
      name,
      {
        type,
        ...("short" in more && more.short !== undefined ? { short: more.short } : {}),
        multiple: "multiple" in more && more.multiple === true,
      },
    ]),
  );
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    return { words: positionals, options: values as OptionValues };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(why, why);
  }
}

function contextOf(options: ProgramOptions, { words, options: values }: Parsed, language: Language): CommandContext {
  const { env, stdin, stderr, signal } = options;
  const string = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  return {
    words,
    options: values,
    language,
    env,
    signal,
    isDryRun: values["dry-run"] === true,
    output: createOutput({ format: string("output"), language, stdout: options.stdout, stderr }),
    client: async () => {
      const { findConnection } = await import("./connection.ts");
      const { createClient } = await import("@wcs/api/http");
      const { server, token } = findConnection(values, env);
      return createClient({ baseUrl: server, token, language });
    },
    readStdin: async () => {
      const parts: Buffer[] = [];
      for await (const part of stdin) parts.push(part);
      return Buffer.concat(parts).toString("utf8");
    },
    confirm: async (question) => values["yes"] === true || (await ask(question, options, language)),
    act: () => {
      const [reason, ticket] = [string("reason"), string("ticket")];
      return {
        idempotencyKey: crypto.randomUUID(),
        ...(reason === undefined ? {} : { reason }),
        ...(ticket === undefined ? {} : { ticket }),
      };
    },
  };
}

async function ask(question: Text, { stdin, stderr }: ProgramOptions, language: Language): Promise<boolean> {
  if (stdin.isTTY !== true) {
    throw new UsageError("give --yes: there is no terminal to ask on", "没有终端可供确认：请加 --yes");
  }
  stderr(`${question[language]} [y/N] `);
  for await (const part of stdin) return /^(?:y|yes|是)$/i.test(part.toString().trim());
  return false;
}

async function report(error: unknown, { stderr, signal }: ProgramOptions, language: Language): Promise<number> {
  if (error instanceof UsageError) {
    stderr(`wcs: ${cell(error.text[language])}\n`);
    return exitCodes.usage;
  }
  if (signal.aborted) return exitCodes.failed;
  const { reportFailure } = await import("./report-failure.ts");
  return reportFailure(error, stderr, language);
}
