import { Type } from "typebox";
import { hostReportSchema, reportAnswerSchema } from "../ipam/host-report-schema.ts";
import { labelPattern } from "../shared/names.ts";
import { defineCall } from "./link-method.ts";

const closed = { additionalProperties: false } as const;
const name = Type.String({ pattern: labelPattern });
/** Base64 of a DER document. */
const der = Type.String({ pattern: "^[A-Za-z0-9+/]+={0,2}$", maxLength: 2000 });
const pem = Type.String({ maxLength: 20_000 });
const servers = Type.Array(
  Type.Object({ name: Type.String({ maxLength: 300 }), address: Type.String({ maxLength: 300 }) }, closed),
  { maxItems: 100 },
);

/**
 * A certificate for a key: the key's public half (SPKI) and a signature (ECDSA, SHA-256) by its private half over `proofText`, so that nobody gets a certificate for a
 * key that is another's.
 */
const certificateOrder = { publicKey: der, proof: der } as const;

const issued = Type.Object({
  certificate: pem,
  /** The authorities to trust from now on. */
  authorities: pem,
  servers,
});

/** What an agent asks of a server. */
export const agentJoin = defineCall("agent.join", {
  request: Type.Object({ host: name, token: Type.String({ maxLength: 200 }), ...certificateOrder }, closed),
  answer: issued,
  mostRequestBytes: 16 * 1024,
});

export const agentRenew = defineCall("agent.renew", {
  request: Type.Object(certificateOrder, closed),
  answer: issued,
  mostRequestBytes: 16 * 1024,
});

/** All that a host has, as `host-reports.send` takes it; of which host it is, the certificate says. */
export const hostReport = defineCall("host.report", {
  request: hostReportSchema,
  answer: reportAnswerSchema,
  mostRequestBytes: 1024 * 1024,
  mostAnswerBytes: 1024 * 1024,
});

/** What a server asks of an agent: first on every link, and again when the servers change. */
export const linkHello = defineCall("link.hello", {
  request: Type.Object({ server: Type.String({ maxLength: 300 }), servers }, closed),
  answer: Type.Object({
    host: name,
    startedAt: Type.String({ maxLength: 40 }),
    version: Type.String({ maxLength: 100 }),
  }),
});

/** The text that a key signs to prove itself: bound to the host, so that a proof for one is none for another. */
export const proofText = (host: string, publicKey: string): string => `wcs agent certificate\n${host}\n${publicKey}`;

/** ALPN of the connection over which the server calls the agent, and of the one over which the agent calls the server (plain HTTP/2). */
export const linkProtocol = "wcs-link/1";
export const uplinkProtocol = "h2";

/** The name in every server's certificate: which machine it runs on is no matter. */
export const linkServerName = "agents.wcs.internal";

const tokenPattern = /^wcsj_([0-9a-f]{20})_([A-Za-z0-9_-]{43})_([A-Za-z0-9_-]{43})$/;

/** The parts of a join token: its id, its secret, and the SHA-256 (base64url) of the authority's public key, by which the agent knows the server. */
export type JoinToken = Readonly<{ id: string; secret: string; authority: string }>;

/** `wcsj_ID_SECRET_AUTHORITY`; null when it is none. */
export function parseJoinToken(text: string): JoinToken | null {
  const [, id, secret, authority] = tokenPattern.exec(text) ?? [];
  return id === undefined || secret === undefined || authority === undefined ? null : { id, secret, authority };
}

export const formatJoinToken = ({ id, secret, authority }: JoinToken): string => `wcsj_${id}_${secret}_${authority}`;
