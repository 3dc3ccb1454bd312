/** One kind of test: where its files are, and how many files run at once. */
export type TestStage = Readonly<{ name: string; pattern: string; concurrency: number; timeoutMs: number }>;

/**
 * The name of a file says what it needs: `x.test.ts` nothing but Node, `x.integration.test.ts` root, PostgreSQL or network
 * namespaces of its own, `e2e/x.e2e.test.ts` the lab. There is one lab on a machine, so those run one after another.
 */
export const testStages = {
  unit: { name: "unit", pattern: "**/*.test.ts", concurrency: 2, timeoutMs: 120_000 },
  integration: { name: "integration", pattern: "**/*.integration.test.ts", concurrency: 2, timeoutMs: 300_000 },
  e2e: { name: "e2e", pattern: "e2e/*.e2e.test.ts", concurrency: 1, timeoutMs: 900_000 },
} as const satisfies Record<string, TestStage>;

/** The stage that a test file belongs to. */
export function stageOf(path: string): keyof typeof testStages {
  if (path.endsWith(".e2e.test.ts")) return "e2e";
  return path.endsWith(".integration.test.ts") ? "integration" : "unit";
}
