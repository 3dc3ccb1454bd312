import { quantityOf } from "./quantity.ts";

/** What a pod requests of its node, rounded up. */
export type PodRoom = Readonly<{ node: string; cpuMilli: number; memoryMiB: number; diskGiB: number }>;

type Amounts = Readonly<Record<string, string>>;
type Container = Readonly<{
  name: string;
  restartPolicy?: string;
  resources?: Readonly<{ requests?: Amounts; limits?: Amounts }>;
}>;
type RawPod = Readonly<{
  spec?: Readonly<{
    nodeName?: string;
    containers?: readonly Container[];
    initContainers?: readonly Container[];
    overhead?: Amounts;
    resources?: Readonly<{ requests?: Amounts }>;
  }>;
  status?: Readonly<{
    containerStatuses?: readonly Readonly<{ name: string; allocatedResources?: Amounts }>[];
    initContainerStatuses?: readonly Readonly<{ name: string; allocatedResources?: Amounts }>[];
  }>;
}>;

const resources = [
  { key: "cpu", as: "cpuMilli", unit: 1e-3 },
  { key: "memory", as: "memoryMiB", unit: 2 ** 20 },
  { key: "ephemeral-storage", as: "diskGiB", unit: 2 ** 30 },
] as const;

/** What a pod of the API requests, by kube-scheduler's own sum (component-helpers resource.PodRequests; a resize counts until it is done). */
export function podRoom(pod: RawPod): PodRoom {
  const { spec = {}, status = {} } = pod;
  const allocated = new Map(
    [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])].map((each) => [
      each.name,
      each.allocatedResources ?? {},
    ]),
  );
  const room = { node: spec.nodeName ?? "", cpuMilli: 0, memoryMiB: 0, diskGiB: 0 };
  for (const { key, as, unit } of resources) {
    const of = ({ name, resources: { requests = {} } = {} }: Container): number =>
      Math.max(quantityOf(requests[key], unit), quantityOf(allocated.get(name)?.[key], unit));
    let running = (spec.containers ?? []).reduce((sum, container) => sum + of(container), 0);
    let sidecars = 0;
    let starting = 0;
    for (const container of spec.initContainers ?? []) {
      if (container.restartPolicy === "Always") {
        sidecars += of(container);
        starting = Math.max(starting, sidecars);
      } else starting = Math.max(starting, sidecars + of(container));
    }
    running += sidecars;
    const whole = spec.resources?.requests?.[key];
    const needed = whole === undefined ? Math.max(running, starting) : quantityOf(whole, unit);
    room[as] = Math.ceil(needed + quantityOf(spec.overhead?.[key], unit));
  }
  return room;
}
