/** WCS's own namespace in every cluster. No business's namespace can have this name (`namespaceOf`). */
export const ownNamespace = "wcs";

/** The two identities that WCS has in a cluster: one does the work, the other keeps the baseline. */
export const identityNames = { platform: "platform", keeper: "keeper" } as const;
export type IdentityName = keyof typeof identityNames;

/** How the API server names them (`system:serviceaccount:NAMESPACE:NAME`). */
export function userNameOf(identity: IdentityName): string {
  return `system:serviceaccount:${ownNamespace}:${identityNames[identity]}`;
}

/** The prefix of labels and annotations that only WCS writes. */
export const reservedPrefix = "wcs.io/";

/** The label of a namespace that belongs to a business; its value is the business's name. */
export const businessLabel = "wcs.io/business";

/** Namespaces of Kubernetes itself: pods there need what the baseline forbids elsewhere (kube-proxy is privileged). */
export const systemNamespaces = ["kube-system", "kube-public", "kube-node-lease"] as const;

const longestNamespace = 63;

/** Whether a namespace is WCS's own or, by its name, a business's. */
export function isOwnNamespace(name: string): boolean {
  return name === ownNamespace || name.startsWith(`${ownNamespace}-`);
}

/** The namespace of a business in every cluster; null when its name is too long to make one (a DNS label, RFC 1123). */
export function namespaceOf(business: string): string | null {
  const name = `wcs-${business}`;
  return name.length > longestNamespace ? null : name;
}
