import { formatKubeconfig, parseKubeconfig, type ClusterAccess } from "@wcs/kube";
import type { IdentityName } from "@wcs/core/cluster";
import type { Query } from "../database/database.ts";
import type { SecretStore } from "../secrets/secret-store.ts";
import type { IdentityToken } from "./identity-token.ts";

const secretName = (cluster: string, identity: IdentityName) => `cluster/${cluster}/${identity}`;
const identities = ["platform", "keeper"] as const;

/** Keeps the credentials of both identities, encrypted. */
export async function storeCredentials(
  options: Readonly<{ secrets: SecretStore; query: Query; cluster: string }>,
  access: Omit<ClusterAccess, "credential">,
  tokens: Readonly<Record<IdentityName, IdentityToken>>,
): Promise<void> {
  for (const identity of identities) {
    const credential = { kind: "token", token: tokens[identity].token } as const;
    const text = formatKubeconfig({ ...access, credential });
    await options.secrets.put(options.query, secretName(options.cluster, identity), text);
  }
}

/** How to reach a cluster as one of WCS's identities; null when there is no such credential. */
export async function readCredential(
  options: Readonly<{ secrets: SecretStore; query: Query; cluster: string }>,
  identity: IdentityName,
): Promise<ClusterAccess | null> {
  const text = await options.secrets.get(options.query, secretName(options.cluster, identity));
  return text === null ? null : parseKubeconfig(text);
}

export async function removeCredentials(
  options: Readonly<{ secrets: SecretStore; query: Query; cluster: string }>,
): Promise<void> {
  for (const identity of identities) await options.secrets.remove(options.query, secretName(options.cluster, identity));
}
