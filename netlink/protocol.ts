import type { Message } from "./message.ts";

/** What the worker thread is asked to do, and what each answers. A namespace is named by a descriptor, which all threads share. */
export type WorkerCalls = {
  probe: { args: ProbeArgs; result: { mac: string } | null };
  subscribe: { args: { namespaceFd: number; groups: readonly number[] }; result: { subscription: number } };
  unsubscribe: { args: { subscription: number }; result: null };
  /** Stops listening in a namespace, before its descriptor is closed. */
  forget: { args: { namespaceFd: number }; result: null };
};

export type ProbeArgs = Readonly<{
  namespaceFd: number;
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
