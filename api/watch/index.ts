export { readEvents, type StreamEvent } from "./event-stream.ts";
export { watchOperations } from "./watch-operations.ts";
