export { agentOperations } from "./agent-operations.ts";
