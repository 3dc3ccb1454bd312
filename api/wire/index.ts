export { operationOnWire } from "./operation-on-wire.ts";
