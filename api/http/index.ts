export { createClient, type ActOptions, type CallInput, type CallResult, type Client } from "./client.ts";
export { ProblemError } from "./problem-error.ts";
