import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isUnavailable, whileUnavailable } from "./while-unavailable.ts";

const failureOf = (code: string): Error => Object.assign(new Error(code), { code });

describe("a database that is away", () => {
  it("is told from one that refuses", () => {
    for (const code of ["57P01", "57P03", "08006", "53300", "ECONNREFUSED", "ENOENT"]) {
      assert.ok(isUnavailable(failureOf(code)), code);
    }
    for (const code of ["28P01", "3D000", "42P01", "ENOTFOUND", ""]) assert.ok(!isUnavailable(failureOf(code)), code);
    assert.ok(isUnavailable(new Error("Connection terminated unexpectedly")));
    assert.ok(isUnavailable(new AggregateError([failureOf("ECONNREFUSED"), failureOf("ECONNREFUSED")])));
    assert.ok(!isUnavailable(new AggregateError([failureOf("ECONNREFUSED"), failureOf("28P01")])));
  });

  it("is waited for, and that is told once", async () => {
    const told: string[] = [];
    let attempts = 0;
    const value = await whileUnavailable({ waitMs: 10_000, onWait: ({ message }) => told.push(message) }, async () => {
      attempts += 1;
      if (attempts < 3) throw failureOf("57P03");
      return "there";
    });
    assert.deepEqual([value, attempts, told], ["there", 3, ["57P03"]]);
  });

  it("is not waited for past the time, nor after another failure", async () => {
    await assert.rejects(
      whileUnavailable({ waitMs: 0 }, () => Promise.reject(failureOf("57P03"))),
      /57P03/,
    );
    let attempts = 0;
    const work = async (): Promise<never> => {
      attempts += 1;
      throw failureOf("28P01");
    };
    await assert.rejects(whileUnavailable({ waitMs: 10_000 }, work), /28P01/);
    assert.equal(attempts, 1);
  });
});
