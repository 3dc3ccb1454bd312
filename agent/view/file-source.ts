import { readFileSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { parseViewContent } from "./disk-copy.ts";
import type { ViewInput } from "./host-view.ts";

/**
 * Pods and grant from a file, `{"pods":[…],"grant":"…"}`, read again whenever it is replaced: for hosts without Kubernetes,
 * and for tests. A file that can't be read leaves the view as it was.
 */
export function startFileSource({
  path,
  input,
  log,
}: Readonly<{ path: string; input: ViewInput; log: (line: string) => void }>): { close: () => Promise<void> } {
  const read = () => {
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch (error) {
      log(`pods: ${path} can't be read: ${String(error)}`);
      return;
    }
    const content = parseViewContent(text);
    if (content === null) {
      log(`pods: ${path} is not {"pods":[…],"grant":…}`);
      return;
    }
    input.replace(content);
    input.setSynced(true);
  };
  read();
  const watcher = watch(dirname(path), (_, name) => {
    if (name === basename(path)) read();
  });
  return {
    close: () => {
      watcher.close();
      return Promise.resolve();
    },
  };
}
