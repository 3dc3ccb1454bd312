export { addInstance } from "./add-instance.ts";
export { bankEstate } from "../estate/testing/bank-estate.ts";
export { simulateKubelets, type SimulatedKubelets } from "./simulate-kubelets.ts";
export { simulatedBank, type SimulatedBank } from "./simulated-bank.ts";
export { compareOutcome } from "./compare-outcome.ts";
export { createMetrics } from "../metrics/metrics.ts";
export { systemContext } from "./system-context.ts";
export { startTestPostgres, type TestDatabase, type TestPostgres } from "./test-postgres.ts";
export { startTestServer, type TestServer } from "./test-server.ts";
