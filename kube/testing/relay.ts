import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { once } from "node:events";

/** A TCP relay on loopback in front of a server, to make its network fail. */
export type Relay = Readonly<{
  port: number;
  /** Ends every connection and refuses new ones by closing them at once. */
  cut: () => void;
  /** Takes connections and bytes and passes nothing on, as a black hole does. */
  hold: () => void;
  /** Passes everything on again (for new connections). */
  pass: () => void;
  close: () => Promise<void>;
}>;

/** Relays to `targetPort` on loopback. */
export async function startRelay(targetPort: number): Promise<Relay> {
  let mode: "pass" | "cut" | "hold" = "pass";
  const sockets = new Set<Socket>();
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // The other side is ended with it; that is what this relay is for.
    socket.on("error", () => undefined);
  };
  const listener = createServer((near) => {
    track(near);
    if (mode === "cut") near.destroy();
    if (mode === "hold") near.resume();
    if (mode !== "pass") return;
    const far = connect(targetPort, "127.0.0.1");
    track(far);
    near.on("data", (chunk) => mode === "pass" && far.write(chunk));
    far.on("data", (chunk) => mode === "pass" && near.write(chunk));
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    port: (listener.address() as AddressInfo).port,
    cut: () => {
      mode = "cut";
      for (const socket of sockets) socket.destroy();
    },
    hold: () => {
      mode = "hold";
    },
    pass: () => {
      mode = "pass";
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await once(listener.close(), "close");
    },
  };
}
