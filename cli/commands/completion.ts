import type { Command } from "../program/command.ts";
import { commands } from "../program/commands.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { globalOptions } from "../program/global-options.ts";
import { UsageError } from "../program/usage-error.ts";

const scripts: Readonly<Record<string, string>> = {
  bash: `_wcs() {
  local IFS=$'\\n'
  COMPREPLY=($(wcs completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -F _wcs wcs`,
  zsh: `#compdef wcs
_wcs() {
  local -a found
  found=(\${(f)"$(wcs completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  compadd -a found
}
compdef _wcs wcs`,
  fish: `complete -c wcs -f -a '(wcs completion words -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'`,
};

export const completion: Command = {
  usage: "bash | zsh | fish",
  options: {},
  examples: ["source <(wcs completion bash)"],
  run: async ({ words, output }) => {
    const [shell, ...line] = words;
    if (shell === "words") {
      for (const word of await candidates(line)) output.line(word);
      return exitCodes.ok;
    }
    const script = shell !== undefined && Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
    if (script === undefined) {
      throw new UsageError("name a shell: bash, zsh or fish", "请指定 shell：bash、zsh 或 fish");
    }
    output.line(script);
    return exitCodes.ok;
  },
};

/** What can stand in the place of the line's last word. */
async function candidates(line: readonly string[]): Promise<readonly string[]> {
  const last = line.at(-1) ?? "";
  const [verb] = line;
  const startsRight = (word: string): boolean => word.startsWith(last);
  if (line.length <= 1) return Object.keys(commands).filter(startsRight);
  const entry = verb !== undefined && Object.hasOwn(commands, verb) ? commands[verb] : undefined;
  if (entry === undefined) return [];
  const command = await entry.load();
  if (last.startsWith("-")) {
    return Object.keys({ ...command.options, ...globalOptions })
      .map((name) => `--${name}`)
      .filter(startsRight);
  }
  const words = line.slice(1).filter((word) => !word.startsWith("-"));
  return ((await command.complete?.(words)) ?? []).filter(startsRight);
}
