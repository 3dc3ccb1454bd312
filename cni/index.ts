export { buildWecni } from "./build-wecni.ts";
