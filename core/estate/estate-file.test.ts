import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createEstateIndex, estateFileLimits, parseEstateFile, stageChanges } from "./index.ts";
import { smallEstate } from "./testing/small-estate.ts";
import { twentyFaults } from "./testing/twenty-faults.ts";

/** Every fault of a file over an estate, as `line:column code`, in the file's order. */
function faultsOfFile(text: string, existing: string): string[] {
  const index = createEstateIndex();
  const before = stageChanges(
    index,
    parseEstateFile(existing).documents.map(({ value }) => ({ put: value })),
  );
  assert.deepEqual(before.faults, []);
  const file = parseEstateFile(text);
  const staged = stageChanges(
    index,
    file.documents.map(({ value }) => ({ put: value })),
  );
  const checked = staged.faults.flatMap((fault) => {
    const document = file.documents[fault.change];
    return document === undefined || !document.whole ? [] : [{ ...fault, ...document.position(fault.path, fault.at) }];
  });
  return [...file.faults, ...checked]
    .sort((a, b) => a.line - b.line || a.column - b.column)
    .map(({ line, column, code, message, remedy }) => {
      for (const text of [message.en, message.zh, remedy.en, remedy.zh]) assert.doesNotMatch(text, /\{\w+\}/);
      return `${line}:${column} ${code}`;
    });
}

describe("a file of estate documents", () => {
  it("with twenty different faults gives twenty messages, each with its line", () => {
    const expected = twentyFaults.split("\n").flatMap((text, at) => {
      const [, code] = /# FAULT (\S+)/.exec(text) ?? [];
      return code === undefined ? [] : [`${at + 1} ${code}`];
    });
    const found = faultsOfFile(twentyFaults, smallEstate);
    assert.deepEqual(
      found.map((fault) => fault.replace(/:\d+ /, " ")),
      expected,
    );
    assert.equal(new Set(found.map((fault) => fault.split(" ")[1])).size, 20);
  });

  it("is whole when nothing is wrong, whatever way its documents are written", () => {
    const documents = parseEstateFile(smallEstate).documents.map(({ value }) => value);
    assert.equal(documents.length, 24);
    const asJson = parseEstateFile(JSON.stringify(documents));
    assert.deepEqual(
      asJson.documents.map(({ value }) => value),
      documents,
    );
    const asItems = parseEstateFile(JSON.stringify({ items: documents }));
    assert.deepEqual(
      asItems.documents.map(({ value }) => value),
      documents,
    );
    const asLines = parseEstateFile(documents.map((document) => `---\n${JSON.stringify(document)}\n`).join(""));
    assert.deepEqual(
      asLines.documents.map(({ value }) => value),
      documents,
    );
  });

  it("says where a field is, in a list and behind an alias too", () => {
    const file = parseEstateFile("- kind: City\n  name: a\n- kind: Host\n  spec: &x\n    rack: r\n  more: *x\n");
    const position = file.documents[1]?.position;
    assert.ok(position !== undefined);
    assert.deepEqual(position(["spec", "rack"], "value"), { line: 5, column: 11 });
    assert.deepEqual(position(["spec", "rack"], "key"), { line: 5, column: 5 });
    assert.deepEqual(position(["spec", "pool"], "value"), { line: 4, column: 3 });
    assert.deepEqual(position(["more", "rack"], "key"), { line: 5, column: 5 });
    assert.deepEqual(position(["name"], "value"), { line: 3, column: 3 });
  });

  it("is refused when it would blow up", () => {
    const laughs = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"];
    for (let level = 1; level < 12; level += 1) {
      laughs.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(",")}]`);
    }
    const cases: [string, string][] = [
      [laughs.join("\n"), "alias-limit"],
      [`a: ${"[".repeat(100_000)}`, "too-deep"],
      [`a: ${"[".repeat(50_000)}${"]".repeat(50_000)}`, "too-deep"],
      ["- ".repeat(100_000), "too-deep"],
      [" ".repeat(estateFileLimits.characters + 1), "file-too-large"],
      ["kind: City\n---\nkind: [\n---\nkind: City\n", "file-syntax"],
      ["kind: City\nname: a\nname: b\n", "duplicate-key"],
      ["kind: *nothing\n", "file-syntax"],
      [`a: &a 1\nb: [${"*a,".repeat(200)}]\n`, "alias-limit"],
      ["kind: !ours abc\n", "file-syntax"],
    ];
    for (const [text, code] of cases) {
      assert.equal(parseEstateFile(text).faults[0]?.code, code, `${text.slice(0, 40)} -> ${code}`);
    }
  });

  it("goes on after a document that is no YAML", () => {
    const file = parseEstateFile("kind: City\nname: a\n---\nkind: [\n---\nkind: City\nname: b\n");
    assert.deepEqual(
      file.documents.filter(({ whole }) => whole).map(({ value }) => (value as { name: string }).name),
      ["a", "b"],
    );
    assert.deepEqual(
      file.faults.map(({ line }) => line),
      [5],
    );
  });

  it("never takes an odd key for a prototype", () => {
    const file = parseEstateFile("kind: City\nname: a\n__proto__: { spec: 1 }\n");
    const staged = stageChanges(createEstateIndex(), [{ put: file.documents[0]?.value }]);
    assert.deepEqual(
      staged.faults.map(({ code }) => code),
      ["field-unknown"],
    );
  });
});
