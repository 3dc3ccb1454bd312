/** Codes of the CNI spec 1.1.0 ("Error"), and from 100 on our own. */
export const cniCodes = {
  incompatibleVersion: 1,
  unknownContainer: 3,
  invalidEnvironment: 4,
  ioFailure: 5,
  decodingFailure: 6,
  invalidNetworkConfig: 7,
  invalidNetworkNamespace: 8,
  tryAgainLater: 11,
  notAvailable: 50,
  addressConflict: 100,
  addressInUse: 101,
  noFreeAddress: 102,
  journalNotWritable: 103,
  gatewaySilent: 104,
  kernelRefused: 105,
  badAnnotation: 106,
  notAsAsked: 107,
  fenced: 108,
  unexpected: 999,
} as const;

/** What a runtime gets instead of a result. */
export class CniError extends Error {
  readonly code: number;
  readonly details: string | null;

  constructor(code: number, message: string, details: string | null = null) {
    super(message);
    this.name = "CniError";
    this.code = code;
    this.details = details;
  }
}
