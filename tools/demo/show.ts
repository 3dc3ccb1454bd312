import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { root } from "../step.ts";
import { demoTokenFile, demoUrl, personTokenFile } from "./server.ts";

const chinese = /^zh/i.test(process.env["LC_ALL"] || process.env["LC_MESSAGES"] || process.env["LANG"] || "");
/** What is said, in the language of the terminal. */
export const text = (english: string, zh: string) => (chinese ? zh : english);
export const bin = join(root, "node_modules/.bin");
export const clusters = ["idc1-c1", "idc1-c2", "idc2-c1"] as const;
/** Who asks, and who approves: two people of one business. */
export const people = ["zhang-wei", "li-na"] as const;
export type Person = (typeof people)[number];

export const environmentOf = (person?: Person) => ({
  ...process.env,
  WCS_SERVER: demoUrl,
  WCS_TOKEN_FILE: person === undefined ? demoTokenFile : personTokenFile(person),
});

type Shown = Readonly<{
  /** Standard input, and the command line that it comes from. */
  input?: string;
  from?: string;
  /** Who types it; without, the first administrator. */
  person?: Person;
  /** The exit codes that are as wanted (default: 0). */
  exits?: readonly number[];
}>;

/** Runs `wcs` or `wcs-lab` as a person would, with the line shown; throws when it ends otherwise than wanted. */
export async function show(words: readonly [string, ...string[]], shown: Shown = {}): Promise<void> {
  const { input, from = "", person, exits = [0] } = shown;
  const [program, ...args] = words;
  const line = words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`)).join(" ");
  console.log(`    ${person === undefined ? "" : `${person} `}$ ${from}${line}`);
  const child = spawn(join(bin, program), args, {
    env: environmentOf(person),
    stdio: [input === undefined ? "ignore" : "pipe", "inherit", "inherit"],
  });
  child.stdin?.end(input);
  const [code] = (await once(child, "exit")) as [number | null];
  if (code === null || !exits.includes(code)) throw new Error(`${line}: exit ${code}`);
}

/** The standard output of `wcs` or `wcs-lab`; throws when it fails. */
export function outputOf(program: string, args: readonly string[], person?: Person): string {
  const options = { env: environmentOf(person), encoding: "utf8", maxBuffer: 64 << 20 } as const;
  const result = spawnSync(join(bin, program), args, options);
  if (result.status !== 0) throw new Error(`${program} ${args.join(" ")}: exit ${result.status}\n${result.stderr}`);
  return result.stdout;
}
