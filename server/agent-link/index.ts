export { createAgentLinks, type AgentLinks } from "./agent-links.ts";
