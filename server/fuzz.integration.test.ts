import { after, before, describe, it } from "node:test";
import { operations } from "@wcs/api";
import { changeEstate } from "@wcs/api/estate";
import { parseEstateFile } from "@wcs/core/estate";
import * as fc from "fast-check";
import { bankEstate } from "./estate/testing/bank-estate.ts";
import { startTestPostgres, startTestServer, type TestPostgres, type TestServer } from "./testing/index.ts";
import { requireDocumented } from "./testing/require-documented.ts";
import { attemptsOf, tryOperation, type Attempt } from "./testing/try-operation.ts";

// Attempts for each operation; the long form: WCS_FUZZ_RUNS=1000.
const runs = Number(process.env["WCS_FUZZ_RUNS"] ?? 12);

/** A request with something wrong in it: a part of another type, an unknown field, text that is no JSON. */
const spoil = (attempt: fc.Arbitrary<Attempt>): fc.Arbitrary<Attempt> =>
  fc.tuple(attempt, fc.jsonValue({ maxDepth: 1 }), fc.nat(5)).map(([good, junk, how]) => {
    switch (how) {
      case 0:
        return { ...good, body: junk };
      case 1:
        return { ...good, query: { ...good.query, surplus: "1" } };
      case 2:
        return { ...good, query: { ...good.query, limit: "many", cursor: "\u0000" } };
      case 3:
        return { ...good, params: Object.fromEntries(Object.keys(good.params).map((name) => [name, "../%00 x"])) };
      case 4:
        return { ...good, body: "{" };
      default:
        return { ...good, headers: { ...good.headers, "if-match": "*", "idempotency-key": " " } };
    }
  });

describe("every operation, with requests of every kind,", () => {
  let postgres: TestPostgres;
  let server: TestServer;
  before(async () => {
    postgres = await startTestPostgres();
    server = await startTestServer(await postgres.createDatabase(), { env: { WCS_LOG_LEVEL: "error" } });
    const documents = parseEstateFile(bankEstate).documents.map(({ value }) => value);
    await server.admin.call(changeEstate, { body: { documents } });
  });
  after(async () => {
    await server.stop();
    await postgres.stop();
  });

  for (const operation of operations) {
    it(`${operation.id} answers only what its contract names`, async () => {
      const attempt = fc.oneof(
        { weight: 2, arbitrary: attemptsOf(operation) },
        { weight: 1, arbitrary: spoil(attemptsOf(operation)) },
      );
      await fc.assert(
        fc.asyncProperty(attempt, async (attempt) => {
          requireDocumented(operation, await tryOperation(server.url, server.token, operation, attempt));
        }),
        { seed: 21, numRuns: runs },
      );
    });
  }
});
