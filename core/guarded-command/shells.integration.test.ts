import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { array, assert as assertProperty, constantFrom, oneof, property, tuple } from "fast-check";
import { checkLine, type LinePolicy } from "./index.ts";

// WCS_SHELL_LINES=100000 is the long form.
const lines = Number(process.env["WCS_SHELL_LINES"] ?? 1500);
const longestMs = lines > 1500 ? 3_600_000 : 10_000;
const shells = ["/bin/dash", "/bin/bash", "/bin/busybox"].filter((shell) => existsSync(shell));
const policy: LinePolicy = {
  rules: [{ name: "all", effect: "allow", programs: ["*"], unknownArguments: true }],
  loops: true,
  writableFolders: ["/tmp"],
};

// Programs that note that they ran. No other program is in the PATH, and no letter but theirs is in a line.
const programs = ["aa", "bb", "cc"];
// What could start a program in the middle of a word, or end a word or a quotation where the check does not see it.
const tricks = [
  "`bb` $(bb) ${x:-$(bb)} <(bb) >(bb) $((bb)) $[bb] {aa,bb} $'\\x27' $\" \\\n \\ \n".split(" "),
  '\' " \\\' \\" \\\\ # & ; | ;bb; |bb| &bb& \nbb\n (bb) ! !! $x "$x" ${x} $ $$ $? $@ * ? [a-c]b'.split(" "),
  "~ ~bb x=bb = [ ] [[ ]] {} 2>&1 2>/dev/null >&bb &>bb >|bb <<bb <<<bb 1 22 - é 文 \t % ^".split(" "),
  ["{ bb; }", "> bb", "< aa"],
].flat();
const words = [
  ...programs,
  "x",
  "''",
  '""',
  "if",
  "then",
  "fi",
  "for",
  "do",
  "done",
  "in",
  "time",
  "case",
  "esac",
  "function",
];
const piece = oneof(constantFrom(...tricks), constantFrom(...words));
const argument = array(piece, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(""));
const simple = tuple(
  constantFrom(...programs, ...programs, "x=aa", "x=bb cc", "! aa"),
  array(argument, { maxLength: 2 }),
).map(([program, args]) => [program, ...args].join(" "));
const compound = oneof(
  simple,
  tuple(simple, simple).map(([one, two]) => `if ${one}; then ${two}; fi`),
  tuple(argument, simple).map(([items, body]) => `for x in ${items}; do ${body}; done`),
  tuple(argument, simple).map(([rest, body]) => `until aa ${rest}; do ${body}; done`),
);
const line = array(tuple(compound, constantFrom("; ", " && ", " || ", " | ", "\n", " ;")), {
  minLength: 1,
  maxLength: 3,
}).map((parts) => parts.map(([command, joint], at) => (at === parts.length - 1 ? command : command + joint)).join(""));

describe("a guarded line and the shells", () => {
  const folder = mkdtempSync(join(tmpdir(), "wcs-shells-"));
  for (const program of programs) {
    const path = join(folder, program);
    writeFileSync(
      path,
      `#!/bin/dash
printf '%s\n' ${program} >> "$ran"
${program === "bb" ? "exit 1" : "exit 0"}
`,
    );
    chmodSync(path, 0o755);
  }
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** What a shell starts for the line; it is ended after a while, since a loop may not end. */
  let runs = 0;
  const run = (shell: string, line: string): readonly string[] => {
    const log = join(folder, `ran-${(runs += 1)}`);
    writeFileSync(log, "");
    const args = shell.endsWith("busybox") ? [shell, "sh", "-c", line] : [shell, "-c", line];
    // timeout(1) makes a process group of its own, so that what the shell has started ends with it.
    spawnSync("/usr/bin/timeout", ["-s", "KILL", "0.4", ...args], {
      cwd: folder,
      env: { PATH: folder, LC_ALL: "C.UTF-8", ran: log },
      stdio: "ignore",
    });
    const started = readFileSync(log, "utf8");
    rmSync(log);
    return started.split("\n").filter((name) => name !== "");
  };

  it(`start nothing but what the check has named, in ${shells.join(", ")}`, () => {
    let accepted = 0;
    let ran = 0;
    assertProperty(
      property(line, (line) => {
        const verdict = checkLine(line, policy);
        if (verdict.effect !== "allow") return;
        accepted += 1;
        const named = new Set(verdict.programs);
        for (const shell of shells) {
          const started = run(shell, line);
          ran += started.length;
          for (const program of started) {
            assert.ok(
              named.has(program),
              `${shell} ran ${program}, but the check named ${[...named].join(" ")}: ${line}`,
            );
          }
        }
      }),
      { numRuns: lines * 5, seed: 20261124, interruptAfterTimeLimit: longestMs },
    );
    assert.ok(
      accepted > 20 && ran > 20,
      `${accepted} lines were accepted, ${ran} programs ran: too few to prove anything`,
    );
    console.log(`${accepted} lines accepted, ${ran} programs ran`);
  });
});
