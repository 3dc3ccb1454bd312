import type { Message } from "./message.ts";
import type { NetlinkRequest } from "./netlink-socket.ts";
import type { SetElements } from "./set-elements.ts";

/** A namespace that the worker holds open, by the worker's own number for it. */
export type NamespaceId = number;

/** What the worker thread is asked to do, and what each answers. Everything in it survives a structured clone. */
export type WorkerCalls = {
  openNamespace: { args: { path: string }; result: { id: NamespaceId; fd: number } };
  closeNamespace: { args: { id: NamespaceId }; result: null };
  /** Runs requests one after another and stops at the first that fails. */
  transact: { args: { steps: readonly Step[] }; result: Message[][] };
  dump: { args: { id: NamespaceId; request: NetlinkRequest }; result: Message[] };
  changeSets: {
    args: { id: NamespaceId; action: "add" | "remove"; changes: readonly SetElements[] };
    result: null;
  };
  /** Sends frames out of a link and answers the socket's descriptor, which the caller closes. */
  sendFrames: { args: { id: NamespaceId; linkIndex: number; frames: readonly Uint8Array[] }; result: { fd: number } };
  probe: { args: ProbeArgs; result: { mac: string } | null };
  subscribe: { args: { id: NamespaceId; groups: readonly number[] }; result: { subscription: number } };
  unsubscribe: { args: { subscription: number }; result: null };
  /** A socket of the namespace that the caller's own thread uses for requests that the kernel answers late. */
  lendSocket: { args: { id: NamespaceId }; result: { fd: number } };
};

export type Step = Readonly<{ id: NamespaceId; request: NetlinkRequest }>;

export type ProbeArgs = Readonly<{
  id: NamespaceId;
  linkIndex: number;
  /** The asking link's own MAC. */
  fromMac: string;
  ip: string;
  waitMs: number;
  /** How many probes are sent, evenly over the wait. */
  attempts: number;
}>;

export type WorkerRequest = {
  [K in keyof WorkerCalls]: { call: number; name: K; args: WorkerCalls[K]["args"] };
}[keyof WorkerCalls];

export type WorkerProblem = Readonly<{ message: string; operation: string; code: string; detail: string | null }>;

export type WorkerReply =
  | Readonly<{ call: number; ok: true; result: unknown }>
  | Readonly<{ call: number; ok: false; problem: WorkerProblem }>
  | Readonly<{ subscription: number; messages: Message[] | null }>;
