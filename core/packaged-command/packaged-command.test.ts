import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Check } from "typebox/value";
import { argvOf, checkCommand, packagedCommandSchema, rowsOf, shippedCommands, type PackagedCommand } from "./index.ts";

const named = (name: string): PackagedCommand =>
  shippedCommands.find((command) => command.name === name) ?? assert.fail(name);

describe("the shipped commands", () => {
  it("are at least twenty, each under a name of its own", () => {
    assert.ok(shippedCommands.length >= 20);
    assert.equal(new Set(shippedCommands.map(({ name }) => name)).size, shippedCommands.length);
  });

  for (const command of shippedCommands) {
    it(`hold what their examples say: ${command.name}`, () => {
      assert.ok(Check(packagedCommandSchema, command));
      assert.deepEqual(checkCommand(command), []);
    });
  }
});

describe("parameters", () => {
  const problemsOf = (name: string, values: Readonly<Record<string, string | number>>): readonly string[] => {
    const made = argvOf(named(name), values);
    return made.ok ? [] : made.problems.map(({ path, problem }) => `${path} ${problem}`);
  };

  it("stay inside their word, whatever they hold", () => {
    const text = "a b; rm -rf / $(x) `y` | 'z' \"";
    const made = argvOf(named("log-search"), { file: "/data/a b.log", text });
    assert.ok(made.ok);
    assert.deepEqual(made.argv.slice(-3), ["-e", text, "/data/a b.log"]);
  });

  it("that hold a parameter's name are not filled in again", () => {
    const made = argvOf(named("log-search"), { file: "/data/x", text: "{file}{most}" });
    assert.ok(made.ok && made.argv.includes("{file}{most}"));
  });

  it("are refused, all at once, with what to give", () => {
    assert.deepEqual(problemsOf("log-search", { file: "data", text: "-f/etc/shadow", most: 0, other: 1 }), [
      "other log-search has no such parameter",
      'file "data" is no plain path',
      "text begins with -",
      'most "0" can\'t be used',
    ]);
    assert.deepEqual(problemsOf("log-tail", {}), ["file is missing"]);
    for (const file of ["/data/../etc/shadow", "/data/./x", "/a\nb", "", "x", "-n"]) {
      assert.equal(problemsOf("log-tail", { file }).length, 1, file);
    }
    for (const host of ["-f", "a b", "a;b", "a/b", "$(x)"]) assert.equal(problemsOf("ping", { host }).length, 1, host);
    for (const pid of ["1e3", "0x1", "", " 1", "1.5", "1;2", "99999999"]) {
      assert.equal(problemsOf("process-status", { pid }).length, 1, pid);
    }
    assert.deepEqual(problemsOf("stop-process", { pid: 1 }), ['pid "1" can\'t be used']);
    assert.deepEqual(problemsOf("stop-process", { pid: 7, signal: "KILL" }), ['signal "KILL" can\'t be used']);
    assert.equal(problemsOf("log-tail", { file: "/x", constructor: "y" }).length, 1);
  });
});

describe("a command that is not right", () => {
  const usual = named("log-tail");
  const cases: readonly (readonly [string, Partial<PackagedCommand>])[] = [
    ["argv", { argv: ["tail", "-n", "{lines}", "{file}", "{gone}"] }],
    ["argv[0]", { argv: ["{file}", "{lines}"] }],
    ["argv[0]", { argv: ["/bin/sh", "-c", "{file}{lines}"] }],
    ["parameters.lines", { argv: ["tail", "{file}"] }],
    ["examples[0].argv", { argv: ["tail", "-c", "{lines}", "{file}"] }],
    ["examples[0].rows", { rows: { by: "pairs", separator: ":" } }],
  ];
  for (const [path, change] of cases) {
    it(`is refused at ${path}: ${JSON.stringify(change)}`, () => {
      assert.equal(checkCommand({ ...usual, ...change })[0]?.path, path);
    });
  }
});

describe("rows", () => {
  it("leave out lines of another form, and keep the rest of a line in the last column", () => {
    const rows = { by: "columns" as const, columns: ["pid", "command"], skipLines: 1 };
    assert.deepEqual(rowsOf({ rows }, "PID COMMAND\n 1  java  -jar  x\nodd\n\n"), [
      { pid: "1", command: "java  -jar  x" },
    ]);
  });
});
