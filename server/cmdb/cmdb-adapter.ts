/** A change of a host, VM or instance on its way to the CMDB. */
export type CmdbMessage = Readonly<{
  /** The same at every attempt: the receiver drops what it has had. */
  key: string;
  kind: string;
  name: string;
  change: string;
  version: number;
  at: string;
  record: unknown;
}>;

/** What a target's adapter needs to know. */
export type CmdbEndpoint = Readonly<{ url: string; key: string }>;

/** Brings one message to a CMDB. Returns when the CMDB has it for good; throws why not, in words for an operator. */
export type CmdbAdapter = (endpoint: CmdbEndpoint, message: CmdbMessage, signal: AbortSignal) => Promise<void>;
