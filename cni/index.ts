export { buildWecni } from "./build-wecni.ts";
export { compileStatic } from "./compile-static.ts";
