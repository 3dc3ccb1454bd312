import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import {
  defaultNamePattern,
  maxNameLength,
  nameInstances,
  parseNamePattern,
  renderName,
  type NameParts,
  type NamePattern,
} from "./instance-name.ts";

const seed = 3;
const usual: NameParts = {
  subsystem: "1001",
  system: "gns-query",
  dcn: "1C1",
  environment: "production",
  ip: "10.106.11.11",
};

function patternOf(text: string): NamePattern {
  const parsed = parseNamePattern(text);
  if ("problem" in parsed) throw new Error(parsed.problem);
  return parsed.pattern;
}

describe("the name of an instance", () => {
  it("follows the default pattern and the one with the IP", () => {
    assert.deepEqual(renderName(patternOf(defaultNamePattern), usual, 3), { name: "1001-1c1-03" });
    assert.deepEqual(renderName(patternOf("{system}-{ip}"), usual, 1), { name: "gns-query-10-106-11-11" });
  });

  for (const [text, problem] of [
    ["", /needs \{ip\}/],
    ["{subsystem}-{dcn}", /two instances could get one name/],
    ["{subsystem}-{nn}", /with \{dcn\}/],
    ["{subsystem}{dcn}-{nn}", /a dash must stand between/],
    ["{system}-{dcn}-{nn}", /two instances could get one name/],
    ["{system}-{environment}-{subsystem}-{dcn}-{nn}", /only one of/],
    ["-{subsystem}-{dcn}-{nn}", /begin or end with a dash/],
    ["{subsystem}-{dcn}-{nn}-", /begin or end with a dash/],
    ["{Subsystem}-{dcn}-{nn}", /\{Subsystem\} is not known/],
    ["App_{subsystem}-{dcn}-{nn}", /only lower-case letters/],
    ["{ip}-{ip}", /once only/],
  ] as const) {
    it(`is not made by the pattern "${text}"`, () => {
      const parsed = parseNamePattern(text);
      assert.ok("problem" in parsed);
      assert.match(parsed.problem, problem);
    });
  }

  it("says what is wrong when it is too long or the IP is missing", () => {
    const long = renderName(patternOf("{system}-{subsystem}-{dcn}-{nn}"), { ...usual, system: "a".repeat(50) }, 1);
    assert.ok("problem" in long && /62 characters/.test(long.problem));
    const early = renderName(patternOf("{system}-{ip}"), { ...usual, ip: null }, 1);
    assert.ok("problem" in early && /needs the instance's IP/.test(early.problem));
  });

  it("goes on after the highest number and steps over taken names", () => {
    const named = nameInstances({
      pattern: patternOf(defaultNamePattern),
      parts: [usual, usual],
      taken: new Set(["1001-1c1-05"]),
      afterNumber: 4,
    });
    assert.deepEqual(named, {
      names: [
        { name: "1001-1c1-06", number: 6 },
        { name: "1001-1c1-07", number: 7 },
      ],
    });
  });

  it("tells an instance from the retired one whose address it has", () => {
    const pattern = patternOf("{system}-{ip}");
    const taken = new Set(["gns-query-10-106-11-11", "gns-query-10-106-11-11-2"]);
    assert.deepEqual(nameInstances({ pattern, parts: [usual], taken, afterNumber: 0 }), {
      names: [{ name: "gns-query-10-106-11-11-3", number: 1 }],
    });
  });

  const label = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,10}[a-z0-9])?$/);
  const parts = fc.record({
    subsystem: fc.stringMatching(/^[0-9]{4}$/),
    system: label,
    dcn: fc.stringMatching(/^[0-9A-Z]{3}$/),
    environment: label,
    ip: fc.ipV4(),
  });
  const texts = fc.array(
    fc.constantFrom("{subsystem}", "{system}", "{dcn}", "{environment}", "{ip}", "{nn}", "-", "-", "-", "app", "x1-"),
    { minLength: 1, maxLength: 9 },
  );

  it("is a DNS label, and no two different instances share one, whatever the pattern", () => {
    let accepted = 0;
    fc.assert(
      fc.property(
        texts,
        parts,
        parts,
        fc.integer({ min: 1, max: 2000 }),
        fc.integer({ min: 1, max: 2000 }),
        (text, a, b, i, j) => {
          const parsed = parseNamePattern(text.join(""));
          if ("problem" in parsed) return;
          accepted += 1;
          const one = renderName(parsed.pattern, a, i);
          const two = renderName(parsed.pattern, b, j);
          if ("problem" in one || "problem" in two) return;
          assert.match(one.name, /^(?!-)[a-z0-9-]{1,52}(?<!-)$/);
          assert.ok(one.name.length <= maxNameLength);
          if (one.name !== two.name) return;
          for (const piece of parsed.pattern.pieces) {
            if (!("placeholder" in piece)) continue;
            if (piece.placeholder === "nn") assert.equal(i, j);
            else assert.equal(a[piece.placeholder].toLowerCase(), b[piece.placeholder].toLowerCase());
          }
        },
      ),
      { seed, numRuns: 20_000 },
    );
    assert.ok(accepted > 300, `only ${accepted} patterns were accepted`);
  });

  it("cannot be had from another split of the same characters", () => {
    const short = fc.record({
      subsystem: fc.constantFrom("1001", "0011"),
      system: fc.constantFrom("a", "a-1", "a-1-1", "1", "1-a", "1c1", "a-1c1"),
      dcn: fc.constantFrom("1C1", "1C2"),
      environment: fc.constantFrom("uat", "u-1c1"),
      ip: fc.constantFrom("1.1.1.1", "11.1.1.1", "1.1.1.11"),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(
          "{system}-{ip}",
          "{ip}-{system}",
          "{subsystem}-{system}-{dcn}-{nn}",
          "{nn}-{system}-{dcn}-{subsystem}",
        ),
        short,
        short,
        (text, a, b) => {
          const one = renderName(patternOf(text), a, 1);
          const two = renderName(patternOf(text), b, 1);
          assert.ok("name" in one && "name" in two);
          const used = (["subsystem", "system", "ip", "dcn"] as const).filter((part) => text.includes(`{${part}}`));
          const same = used.every((part) => a[part] === b[part]);
          assert.equal(one.name === two.name, same);
        },
      ),
      { seed, numRuns: 3000 },
    );
  });
});
