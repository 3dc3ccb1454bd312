import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Text } from "../program/texts.ts";

/** Waits on a free port of loopback for the browser to come back (RFC 8252, 7.3). */
export type LoopbackCallback = Readonly<{
  redirectUri: string;
  /** The address that the browser came back to, with its query. */
  arrival: Promise<string>;
  close: () => void;
}>;

const page: Text = {
  en: "You are logged in to WCS. This page can be closed.",
  zh: "已登录 WCS，可以关闭此页面。",
};

export async function openLoopbackCallback(signal: AbortSignal): Promise<LoopbackCallback> {
  const arrived = Promise.withResolvers<string>();
  const server = createServer((request, response) => {
    const { port } = server.address() as AddressInfo;
    if (request.method !== "GET" || request.url?.startsWith("/callback?") !== true) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", connection: "close" });
    response.end(`<!doctype html><title>WCS</title><p>${page.en}</p><p>${page.zh}</p>`);
    arrived.resolve(`http://127.0.0.1:${port}${request.url}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  signal.addEventListener("abort", () => arrived.reject(signal.reason), { once: true });
  const { port } = server.address() as AddressInfo;
  return {
    redirectUri: `http://127.0.0.1:${port}/callback`,
    arrival: arrived.promise,
    close: () => server.close(),
  };
}
