import { Type } from "typebox";
import { defineOperation } from "../http/operation.ts";
import { moment } from "../shared/names.ts";

const closed = <const P extends Parameters<typeof Type.Object>[0]>(properties: P) =>
  Type.Object(properties, { additionalProperties: false });

/** A random text of a client, as PKCE (RFC 7636, 4.1) and OpenID Connect want them. */
const random = (description: string) => Type.String({ pattern: "^[A-Za-z0-9_-]{43,128}$", description });

/** Loopback only (RFC 8252, 7.3): the code comes back to the machine that asked. */
const loopback = Type.String({
  pattern: "^http://(?:127\\.0\\.0\\.1|\\[::1\\]):[0-9]{1,5}/callback$",
  description: "where the person's browser is sent back to, on the client's own machine",
});

export const loginOperations = [
  defineOperation({
    id: "login.start",
    tag: "login",
    summary: "Begin a person's login: the address at the identity provider to open in a browser",
    method: "POST",
    path: "/api/v1/login/start",
    body: closed({
      redirectUri: loopback,
      state: random("comes back with the code"),
      nonce: random("comes back in the ID token"),
      codeChallenge: Type.String({ pattern: "^[A-Za-z0-9_-]{43}$", description: "S256 of the code verifier" }),
    }),
    answers: { 200: Type.Object({ authorizationUrl: Type.String() }) },
    permission: "public",
    errors: ["login.not-configured", "login.provider-unreachable"],
    act: false,
  }),
  defineOperation({
    id: "login.finish",
    tag: "login",
    summary: "End a person's login: exchange what came back for an API token of the person",
    method: "POST",
    path: "/api/v1/login/finish",
    body: closed({
      callbackUrl: Type.String({
        maxLength: 4000,
        pattern: "^http://(?:127\\.0\\.0\\.1|\\[::1\\]):[0-9]{1,5}/callback\\?[\\x21-\\x7e]*$",
        description: "the redirect address with all that the provider added",
      }),
      state: random("the one of the start"),
      nonce: random("the one of the start"),
      codeVerifier: random("whose S256 was the code challenge"),
    }),
    answers: { 200: Type.Object({ person: Type.String(), text: Type.String(), expiresAt: moment }) },
    permission: "public",
    errors: ["login.not-configured", "login.provider-unreachable", "login.refused"],
    act: false,
  }),
] as const;
