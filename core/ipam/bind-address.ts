import { mostPodsRemembered, type AddressBinding, type AddressRecord } from "./address-record.ts";
import { changed, describeState, refused, type Transition } from "./transition.ts";

/** Who says that it has the address: the instance's NIC, under the generation of its annotation, in one sandbox of one pod. */
export type BindingClaim = Readonly<{ instance: string; nic: string; generation: number; binding: AddressBinding }>;

/**
 * reserved or held -> bound. Told again by the same sandbox, nothing changes. A new sandbox of the same pod takes over (kubelet stops the
 * old one first), and so does a new pod on the same host (its StatefulSet has at most one). Refused: an older generation than the
 * ledger's, a pod that another has replaced, and the same generation on a second host.
 */
export function bindAddress(record: AddressRecord, claim: BindingClaim): Transition {
  const { owner } = record;
  if (owner?.kind !== "instance" || owner.name !== claim.instance || owner.nic !== claim.nic) {
    return refused("not-owner", record, `is ${describeState(record)}, not of instance ${claim.instance}/${claim.nic}`);
  }
  if (claim.generation < record.generation) {
    const what = `was given anew under generation ${record.generation}: the pod with ${claim.generation} is old, remove it`;
    return refused("stale-generation", record, what);
  }
  if (claim.generation > record.generation) {
    const what = `has generation ${record.generation}; nobody gave ${claim.generation}: the annotation is not the ledger's`;
    return refused("unknown-generation", record, what);
  }
  if (record.retired) return refused("not-owner", record, "belonged to the instance, which is retired: remove the pod");
  const { podUid, containerId } = claim.binding;
  const known = record.pods.includes(podUid);
  if (known && record.pods.at(-1) !== podUid) {
    return refused("superseded-pod", record, `went from pod ${podUid} to a later one: the pod is old`);
  }
  const before = record.binding;
  if (before !== null && before.host !== claim.binding.host) {
    const what = `is bound on host ${before.host}: ${claim.binding.host} may not have it before the instance is moved there`;
    return refused("bound-elsewhere", record, what);
  }
  if (before?.podUid === podUid && before.containerId === containerId) return changed(record);
  const pods = known ? record.pods : [...record.pods, podUid].slice(-mostPodsRemembered);
  return changed({ ...record, state: "bound", binding: claim.binding, pods });
}

/**
 * bound -> held: the sandbox is gone. Compare-and-swap: only the sandbox that has the address can let it go, so that the late clean-up of
 * an old pod takes nothing from a new one. `containerId` null: the whole pod is known to be gone. Told again, nothing changes.
 */
export function unbindAddress(
  record: AddressRecord,
  claim: Readonly<{ podUid: string; containerId: string | null }>,
): Transition {
  const { binding } = record;
  if (binding === null && record.pods.includes(claim.podUid)) return changed(record);
  if (binding?.podUid !== claim.podUid || (claim.containerId !== null && claim.containerId !== binding.containerId)) {
    const whose =
      binding === null ? describeState(record) : `bound to pod ${binding.podUid}, sandbox ${binding.containerId}`;
    return refused("not-binding", record, `is ${whose}: pod ${claim.podUid} has nothing to let go`);
  }
  return changed({ ...record, state: "held", binding: null });
}
