import type { KubeClient } from "./client.ts";
import type { KubeObject } from "./object.ts";
import { resourceType, type ResourceType } from "./resource.ts";
import type { CallOptions } from "./send.ts";

/** An act whose permission is asked for. `resource` may carry a subresource (`pods/exec`). */
export type AccessQuestion = Readonly<{
  verb: string;
  group: string;
  resource: string;
  namespace?: string;
  name?: string;
}>;

type AccessReview = KubeObject & { status?: { allowed?: boolean; denied?: boolean; reason?: string } };
type RulesReview = KubeObject & { status?: { resourceRules?: ResourceRule[]; incomplete?: boolean } };

export type ResourceRule = {
  verbs: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
};

const accessReviews: ResourceType<AccessReview> = resourceType(
  "authorization.k8s.io/v1/selfsubjectaccessreviews",
  "SelfSubjectAccessReview",
  "cluster",
);
const rulesReviews: ResourceType<RulesReview> = resourceType(
  "authorization.k8s.io/v1/selfsubjectrulesreviews",
  "SelfSubjectRulesReview",
  "cluster",
);

/** May we do that? */
export async function mayDo(client: KubeClient, question: AccessQuestion, call: CallOptions = {}): Promise<boolean> {
  const [resource, subresource] = question.resource.split("/");
  const review = await client.create(
    accessReviews,
    {
      spec: {
        resourceAttributes: {
          verb: question.verb,
          group: question.group,
          resource,
          subresource,
          namespace: question.namespace,
          name: question.name,
        },
      },
    },
    call,
  );
  return review.status?.allowed === true && review.status.denied !== true;
}

/** What we may do in a namespace, as far as the authorizers can tell (`complete` is false when one of them can't). */
export async function rulesIn(
  client: KubeClient,
  namespace: string,
  call: CallOptions = {},
): Promise<{ rules: ResourceRule[]; complete: boolean }> {
  const review = await client.create(rulesReviews, { spec: { namespace } }, call);
  return { rules: review.status?.resourceRules ?? [], complete: review.status?.incomplete !== true };
}
