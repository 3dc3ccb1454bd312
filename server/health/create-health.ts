import { openApiDocument, operations } from "@wcs/api";
import { healthOperations } from "@wcs/api/health";
import { requirePlatformAccess } from "../access/principal.ts";
import { answer, read } from "../http/route.ts";
import type { Feature, Platform } from "../program/platform.ts";
import { version } from "../program/version.ts";

const [live, ready, metrics, openApi] = healthOperations;
const answerWithinMs = 2000;

/** `/healthz`, `/readyz`, `/metrics` and the OpenAPI document. */
export function createHealth(platform: Platform): Feature {
  const document = openApiDocument(operations, version);
  const databaseState = async (): Promise<{ name: string; ok: boolean; detail?: string }> => {
    try {
      const late = Promise.withResolvers<never>();
      const timer = setTimeout(() => late.reject(new Error(`no answer within ${answerWithinMs} ms`)), answerWithinMs);
      await Promise.race([platform.database.query("SELECT 1"), late.promise]).finally(() => clearTimeout(timer));
      return { name: "database", ok: true };
    } catch (error) {
      platform.log.warn({ err: error }, "the database does not answer");
      return { name: "database", ok: false, detail: "does not answer" };
    }
  };
  return {
    routes: [
      read(live, async () => answer(200, { ok: true as const })),
      read(ready, async () => {
        const components = [await databaseState(), { name: "server", ok: !platform.stopping.aborted }];
        return components.every(({ ok }) => ok)
          ? answer(200, { ok: true as const, components })
          : answer(503, { ok: false as const, components });
      }),
      read(metrics, async ({ principal }) => {
        // They count every business's work: a right bound to one business does not reach them.
        requirePlatformAccess(principal, "get", "metrics");
        return answer(200, await platform.metrics.registry.metrics());
      }),
      read(openApi, async () => answer(200, document as unknown as { openapi: string })),
    ],
  };
}
