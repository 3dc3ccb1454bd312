export { startLink, type AgentLink, type LinkOptions, type LinkStatus } from "./start-link.ts";
export type { ServerCaller } from "./server-connection.ts";
