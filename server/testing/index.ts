export { systemContext } from "./system-context.ts";
export { startTestPostgres, type TestDatabase, type TestPostgres } from "./test-postgres.ts";
export { startTestServer, type TestServer } from "./test-server.ts";
