import { readFileSync } from "node:fs";
import * as oidc from "openid-client";
import { Failure } from "../http/failure.ts";
import type { Platform } from "../program/platform.ts";

/** What a login began with. */
export type LoginStart = Readonly<{ redirectUri: string; state: string; nonce: string; codeChallenge: string }>;

/** What came back from the provider, and the secrets that the client kept. */
export type LoginReturn = Readonly<{ callbackUrl: string; state: string; nonce: string; codeVerifier: string }>;

/** The people's identity provider (OpenID Connect). */
export type IdentityProvider = Readonly<{
  authorizationUrl: (start: LoginStart) => Promise<string>;
  /** The claim that names the person. Throws `login.refused` for what the provider or the checks refuse. */
  nameOf: (back: LoginReturn) => Promise<string>;
}>;

const rediscoverMs = 3600_000;
const timeoutSeconds = 10;

/** Null when no provider is configured. Its metadata are read when they are first needed, and again every hour. */
export function createIdentityProvider({ config, log }: Platform): IdentityProvider | null {
  const { oidcIssuer: issuer, oidcClientId: clientId, oidcClientSecretFile: secretFile } = config;
  if (issuer === null || clientId === null) return null;
  const secret = secretFile === null ? undefined : readFileSync(secretFile, "utf8").trim();
  let known: Readonly<{ configuration: oidc.Configuration; until: number }> | null = null;

  const discover = async (): Promise<oidc.Configuration> => {
    if (known !== null && Date.now() < known.until) return known.configuration;
    try {
      const configuration = await oidc.discovery(
        new URL(issuer),
        clientId,
        undefined,
        secret === undefined ? oidc.None() : oidc.ClientSecretBasic(secret),
        { timeout: timeoutSeconds, execute: config.oidcAllowHttp ? [oidc.allowInsecureRequests] : [] },
      );
      known = { configuration, until: Date.now() + rediscoverMs };
      return configuration;
    } catch (error) {
      log.warn({ reason: reasonOf(error), issuer }, "the identity provider can't be reached");
      throw new Failure("login.provider-unreachable", `the identity provider ${issuer} does not answer`, {
        cause: error,
      });
    }
  };

  return {
    authorizationUrl: async ({ redirectUri, state, nonce, codeChallenge }) => {
      const url = oidc.buildAuthorizationUrl(await discover(), {
        redirect_uri: redirectUri,
        scope: "openid profile",
        state,
        nonce,
        code_challenge: codeChallenge,
        code_challenge_method: "S256",
      });
      return url.href;
    },
    nameOf: async ({ callbackUrl, state, nonce, codeVerifier }) => {
      const configuration = await discover();
      try {
        const tokens = await oidc.authorizationCodeGrant(configuration, new URL(callbackUrl), {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: codeVerifier,
          idTokenExpected: true,
        });
        const name = tokens.claims()?.[config.oidcNameClaim];
        if (typeof name === "string") return name;
      } catch (error) {
        const why = reasonOf(error);
        log.warn({ reason: why }, "a login was refused");
        throw new Failure("login.refused", `the identity provider's answer does not hold: ${why}`, { cause: error });
      }
      throw new Failure("login.refused", `the ID token has no claim ${config.oidcNameClaim}`);
    },
  };
}

/** The library's errors hold whole answers of the provider, which may hold tokens: only their messages go on. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return error instanceof Error && error.cause instanceof Error ? `${message}: ${error.cause.message}` : message;
}
