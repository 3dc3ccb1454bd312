import { identityNames, ownNamespace, type IdentityName } from "@wcs/core/cluster";
import { resourceType, type KubeClient, type KubeObject, type ResourceType } from "@wcs/kube";

const serviceAccounts: ResourceType<KubeObject & { status?: { token: string; expirationTimestamp: string } }> =
  resourceType("v1/serviceaccounts", "ServiceAccount", "namespaced");

/** How long a credential is asked for. The API server may give less; WCS renews after a third. */
const lifetimeSeconds = 7 * 24 * 3600;

/** A credential of one of WCS's identities. */
export type IdentityToken = Readonly<{ token: string; expiresAt: Date }>;

/** Asks the API server for a token of an identity (TokenRequest, authentication.k8s.io/v1). Throws KubeError. */
export async function requestToken(client: KubeClient, identity: IdentityName): Promise<IdentityToken> {
  const answer = await client.create(
    serviceAccounts,
    {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { expirationSeconds: lifetimeSeconds },
    },
    { namespace: ownNamespace, name: identityNames[identity], subresource: "token" },
  );
  if (answer.status === undefined) throw new Error(`the answer to a TokenRequest of ${identity} holds no token`);
  return { token: answer.status.token, expiresAt: new Date(answer.status.expirationTimestamp) };
}

/** Whether a third of the credential's life has passed. */
export function isDueForRenewal(issuedAt: Date, expiresAt: Date, nowMs: number): boolean {
  return nowMs > issuedAt.getTime() + (expiresAt.getTime() - issuedAt.getTime()) / 3;
}
