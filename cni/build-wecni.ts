import { fileURLToPath } from "node:url";
import { compileStatic } from "./compile-static.ts";

/** Where the program looks, when its environment does not say: absolute paths. The defaults are in wecni.c. */
export type WecniPaths = Readonly<{ socketPath: string; tombstoneFolder: string }>;

/** A path as a C string; none that would need escaping is taken. */
function definition(name: string, path: string): string {
  if (!/^\/[\w./-]+$/.test(path)) throw new TypeError(`${name}: "${path}" is not a plain absolute path`);
  return `-D${name}="${path}"`;
}

/** Compiles `wecni` and returns its path. */
export async function buildWecni(paths: WecniPaths | null = null): Promise<string> {
  const defined =
    paths === null
      ? []
      : [definition("WECNI_SOCKET", paths.socketPath), definition("WECNI_TOMBSTONES", paths.tombstoneFolder)];
  return await compileStatic(fileURLToPath(new URL("./wecni.c", import.meta.url)), defined);
}
