export { createKeyQueue, type BackOff, type KeyQueue } from "./key-queue.ts";
