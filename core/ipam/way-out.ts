import type { Leak } from "./collect-garbage.ts";
import type { DifferenceKind } from "./compare-network.ts";

/** Everything that differs, with leaks and what the estate claims. */
export type KeptDifferenceKind = DifferenceKind | Leak["kind"] | "estate-claim";

type Text = Readonly<{ en: string; zh: string }>;

/** What a person does about a difference of this kind, or that nothing needs to be done. `IP` stands for the address. */
const waysOut: Readonly<Record<KeptDifferenceKind, Text>> = {
  "unrecorded-binding": {
    en: "nothing: the host's next report binds it; if it stays, see what `wcs-agent status` says on the host",
    zh: "无需处理：宿主机下次上报时会登记；若一直存在，请在宿主机上查看 `wcs-agent status`",
  },
  "unknown-address": {
    en: "put its subnet into the estate (`wcs apply`), or restart the instance, which then gets the ledger's addresses",
    zh: "把所属网段加入资源台账（`wcs apply`），或重启该实例以使用账本中的地址",
  },
  "wrong-owner": {
    en: "see who got it, in `wcs describe ip IP`; restart the instance that has it without right, which then gets its own",
    zh: "用 `wcs describe ip IP` 查看归属；重启无权占用的实例，它会得到自己的地址",
  },
  "stale-pod": {
    en: "nothing: the agent takes the old pod off the network; if it stays, the host does not report: see `wcs-agent status` there",
    zh: "无需处理：代理会把旧 Pod 下线；若一直存在，说明宿主机未上报，请在其上查看 `wcs-agent status`",
  },
  "unknown-generation": {
    en: "restart the instance, whose annotation is not the ledger's; if there are many, the database may be an old copy: stop and find out",
    zh: "重启该实例，其注解与账本不符；若数量很多，数据库可能是旧副本，请先停下排查",
  },
  "second-host": {
    en: "find out which host has the instance (`wcs get instances`), and take the other one's pod away",
    zh: "用 `wcs get instances` 确认实例所在宿主机，并移除另一台上的 Pod",
  },
  "wrong-mac": {
    en: "restart the instance: its NIC then has the MAC that belongs to the address",
    zh: "重启该实例，其网卡会恢复与地址对应的 MAC",
  },
  "outside-block": {
    en: "delete the pod when that is convenient: its next sandbox gets an address of the host's block",
    zh: "方便时删除该 Pod：新的沙箱会使用宿主机地址块内的地址",
  },
  "missing-on-host": {
    en: "nothing: the host's next report lets it go; if it stays, see what `wcs-agent status` says on the host",
    zh: "无需处理：宿主机下次上报时会解除绑定；若一直存在，请在宿主机上查看 `wcs-agent status`",
  },
  "stale-annotation": {
    en: "nothing: the instance's next step writes it anew; if it stays, restart the instance",
    zh: "无需处理：实例下一步会重写注解；若一直存在，请重启该实例",
  },
  "annotation-not-in-ledger": {
    en: "see who has it, in `wcs describe ip IP`, and restart the instance, which then gets what the ledger gives it",
    zh: "用 `wcs describe ip IP` 查看归属，并重启该实例以使用账本分配的地址",
  },
  "not-annotated": {
    en: "restart the instance: its pod then has all NICs that the ledger gives it",
    zh: "重启该实例：其 Pod 会得到账本分配的全部网卡",
  },
  conflict: {
    en: "take the address from the station that answers (its MAC is in the detail or in `wcs describe ip IP`), then `wcs ip clear IP --reason …`",
    zh: "从应答的设备上收回该地址（MAC 见详情或 `wcs describe ip IP`），然后 `wcs ip clear IP --reason …`",
  },
  "estate-claim": {
    en: "put the estate right (`wcs apply`), or give the address up where it is held: `wcs ip release IP --reason …`",
    zh: "修正资源台账（`wcs apply`），或释放现有占用：`wcs ip release IP --reason …`",
  },
  "abandoned-reservation": {
    en: "nothing: it was released",
    zh: "无需处理：已释放",
  },
  "vanished-pod": {
    en: "nothing: it is held for its instance",
    zh: "无需处理：已为其实例保留",
  },
  orphan: {
    en: "if nobody needs it: `wcs ip release IP --reason …`",
    zh: "若无人需要：`wcs ip release IP --reason …`",
  },
};

/** What to do about a difference at `ip`, in English and Chinese. */
export function wayOutOf(kind: KeptDifferenceKind, ip: string): Text {
  const { en, zh } = waysOut[kind];
  return {
    en: en.replaceAll("IP ", `${ip} `).replaceAll("IP`", `${ip}\``),
    zh: zh.replaceAll("IP ", `${ip} `).replaceAll("IP`", `${ip}\``),
  };
}
