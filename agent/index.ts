export { AgentConfigError, parseAgentConfig, type AgentConfig } from "./agent-config.ts";
export { faultPoints, type FaultPoint, type Faults } from "./fault-points.ts";
export { startAgent, type Agent } from "./start-agent.ts";
