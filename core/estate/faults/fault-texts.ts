/**
 * What can be wrong with estate documents: a stable code, what was wrong and what to do, in English and Chinese. Words in braces are
 * filled in. A code is never given another meaning.
 */
export type FaultText = Readonly<{ en: string; zh: string; fixEn: string; fixZh: string }>;

const fault = (en: string, zh: string, fixEn: string, fixZh: string): FaultText => ({ en, zh, fixEn, fixZh });

export const faultTexts = {
  "file-too-large": fault(
    "the file is {size} characters long, more than {most}",
    "文件长度为 {size} 个字符,超过上限 {most}",
    "split it",
    "请拆分文件",
  ),
  "file-syntax": fault("this is not YAML: {reason}", "YAML 语法错误:{reason}", "mend the syntax", "请修正语法"),
  "too-many-documents": fault(
    "there are more than {most} documents",
    "文档数超过上限 {most}",
    "split the file",
    "请拆分文件",
  ),
  "too-deep": fault(
    "values are nested deeper than {most} levels",
    "嵌套层数超过上限 {most}",
    "write a document of the estate, which needs fewer",
    "请按资源台账文档的格式书写",
  ),
  "alias-limit": fault(
    "aliases repeat one anchor more than {most} times",
    "别名引用同一锚点超过 {most} 次",
    "write the values out",
    "请直接写出各个值",
  ),
  "duplicate-key": fault("the field is there twice", "字段重复", "keep one of them", "请只保留一个"),
  "not-a-document": fault(
    "this is {found}, not a document with `kind`, `name` and `spec`",
    "此处是{foundZh},不是包含 kind、name 和 spec 的文档",
    "write one document after each `---`",
    "请在每个 --- 之后书写一个文档",
  ),
  "kind-missing": fault("the document has no `kind`", "文档缺少 kind", "say which: {choices}", "请指定其一:{choices}"),
  "kind-unknown": fault(
    "there is no kind {value}",
    "不存在类型 {value}",
    "write one of: {choices}",
    "请改为以下之一:{choices}",
  ),
  "document-repeated": fault(
    "{kind} {name} is in the file twice",
    "{kind} {name} 在文件中出现了两次",
    "keep one of them",
    "请只保留一个",
  ),
  "field-unknown": fault(
    "{kind} has no field `{field}` here",
    "{kind} 在此处没有字段 {field}",
    "take it out, or write one of: {choices}",
    "请删除,或改为以下之一:{choices}",
  ),
  "field-missing": fault("the field `{field}` is missing", "缺少字段 {field}", "add it: {meaning}", "请补充:{meaning}"),
  "type-wrong": fault(
    "`{field}` is {found}, not {expected}",
    "{field} 是{foundZh},应为{expectedZh}",
    "write {expected}{hint}",
    "请改为{expectedZh}{hintZh}",
  ),
  "name-malformed": fault("{value} is no name for {kind}", "{value} 不是合法的 {kind} 名称", "{rule}", "{ruleZh}"),
  "number-out-of-range": fault(
    "`{field}` is {value}, which must be {bound} {limit}",
    "{field} 为 {value},必须{boundZh} {limit}",
    "write a number that is {bound} {limit}: {meaning}",
    "请改为{boundZh} {limit} 的数",
  ),
  "choice-unknown": fault(
    "`{field}` is {value}, which is none of the choices",
    "{field} 的取值 {value} 不在可选范围内",
    "write one of: {choices}",
    "请改为以下之一:{choices}",
  ),
  "value-malformed": fault(
    "`{field}` is {value}, which is not well formed",
    "{field} 的取值 {value} 格式不正确",
    "write it as the rule says: {meaning}",
    "请按规则书写:{meaning}",
  ),
  "length-out-of-range": fault(
    "`{field}` has a length of {length}, which must be {bound} {limit}",
    "{field} 的长度为 {length},必须{boundZh} {limit}",
    "make it {bound} {limit} long",
    "请使长度{boundZh} {limit}",
  ),
  "item-repeated": fault("`{field}` has {value} twice", "{field} 中 {value} 重复", "keep one of them", "请只保留一个"),
  "address-malformed": fault(
    "`{field}` is {value}, which is no IPv4 address",
    "{field} 的取值 {value} 不是 IPv4 地址",
    "write four numbers from 0 to 255 without leading zeros, such as 10.71.1.1",
    "请写成四个 0 到 255 且无前导零的数,例如 10.71.1.1",
  ),
  "cidr-malformed": fault(
    "`{field}` is {value}, which is no IPv4 network",
    "{field} 的取值 {value} 不是 IPv4 网段",
    "write an address and a prefix length, such as 10.71.1.0/24",
    "请写成地址加前缀长度,例如 10.71.1.0/24",
  ),
  "cidr-host-bits": fault(
    "`{field}` is {value}, which has bits set behind the prefix",
    "{field} 的取值 {value} 在前缀之后仍有非零位",
    "write {network}",
    "请改为 {network}",
  ),
  "range-malformed": fault(
    "`{field}` is {value}, which is no range of IPv4 addresses",
    "{field} 的取值 {value} 不是 IPv4 地址范围",
    "write the first and the last address, such as 10.71.1.100-10.71.1.199",
    "请写成首地址-末地址,例如 10.71.1.100-10.71.1.199",
  ),
  "ipv6-unsupported": fault(
    "`{field}` is {value}: IPv6 is not supported",
    "{field} 的取值 {value} 是 IPv6,暂不支持",
    "write an IPv4 one; WCS probes and announces addresses by ARP",
    "请使用 IPv4;WCS 通过 ARP 探测并通告地址",
  ),
  "reference-missing": fault(
    "there is no {targetKind} {target}",
    "{targetKind} {target} 不存在",
    "{suggestion}add it to the file or apply it before",
    "{suggestionZh}请在文件中补充,或先行创建",
  ),
  "cidr-overlaps": fault(
    "{cidr} overlaps {others}",
    "{cidr} 与 {others} 重叠",
    "give each subnet addresses of its own",
    "请为每个网段分配独立的地址",
  ),
  "gateway-outside": fault(
    "the gateway {address} is no address for a machine in {cidr}",
    "网关 {address} 不是 {cidr} 内可用的主机地址",
    "write an address between {first} and {last}",
    "请使用 {first} 到 {last} 之间的地址",
  ),
  "range-outside": fault(
    "the range {range} does not lie within {cidr}",
    "范围 {range} 不在 {cidr} 之内",
    "stay between {first} and {last}",
    "请限制在 {first} 到 {last} 之间",
  ),
  "ranges-overlap": fault(
    "the dynamic range {range} overlaps the fixed range {other}",
    "动态地址范围 {range} 与固定地址范围 {other} 重叠",
    "keep them apart: an address has one use",
    "请分开两个范围:一个地址只能有一种用途",
  ),
  "gateway-in-range": fault(
    "the gateway {address} is in the {which} range {range}",
    "网关 {address} 落在{whichZh}地址范围 {range} 内",
    "move the range or the gateway",
    "请调整范围或网关",
  ),
  "range-holds-addresses": fault(
    "the {which} range {range} holds addresses of machines: {users}",
    "{whichZh}地址范围 {range} 中包含机器的地址:{users}",
    "leave them out of the range",
    "请将这些地址排除在范围之外",
  ),
  "gateway-taken": fault(
    "the gateway {address} is the address of {users}",
    "网关 {address} 已是 {users} 的地址",
    "give one of them another address",
    "请为其中之一更换地址",
  ),
  "address-outside": fault(
    "{address} lies in no subnet of rack {rack} in area {area}{where}",
    "{address} 不在机架 {rack} 区域 {area} 的任何网段内{whereZh}",
    "write an address of: {subnets}",
    "请使用以下网段内的地址:{subnets}",
  ),
  "address-reserved": fault(
    "{address} is the network or broadcast address of {cidr}",
    "{address} 是 {cidr} 的网络地址或广播地址",
    "write an address between {first} and {last}",
    "请使用 {first} 到 {last} 之间的地址",
  ),
  "address-is-gateway": fault(
    "{address} is the gateway of subnet {subnet}",
    "{address} 是网段 {subnet} 的网关",
    "write another address",
    "请更换地址",
  ),
  "address-in-range": fault(
    "{address} is in the {which} range {range} of subnet {subnet}, which WCS gives out",
    "{address} 位于网段 {subnet} 的{whichZh}地址范围 {range} 内,该范围由 WCS 分配",
    "write an address outside of it, or make the range smaller",
    "请使用范围之外的地址,或缩小该范围",
  ),
  "address-taken": fault(
    "{address} is already the address of {users}",
    "{address} 已被 {users} 使用",
    "give each its own address",
    "请为每台机器分配独立的地址",
  ),
  "host-cluster-idc": fault(
    "the host's rack {rack} is in IDC {rackIdc}, its cluster {cluster} in IDC {clusterIdc}",
    "宿主机的机架 {rack} 位于机房 {rackIdc},而集群 {cluster} 位于机房 {clusterIdc}",
    "write a cluster of IDC {rackIdc}, or a rack of IDC {clusterIdc}",
    "请改用机房 {rackIdc} 的集群,或机房 {clusterIdc} 的机架",
  ),
  "host-pool-environment": fault(
    "the pool {pool} belongs to environment {poolEnvironment}, the cluster {cluster} to {clusterEnvironment}",
    "资源池 {pool} 属于环境 {poolEnvironment},而集群 {cluster} 属于环境 {clusterEnvironment}",
    "write a pool of environment {clusterEnvironment}",
    "请改用环境 {clusterEnvironment} 的资源池",
  ),
  "host-pool-without-cluster": fault(
    "the host has a pool but no cluster",
    "宿主机指定了资源池但没有集群",
    "name its cluster, or take the pool out",
    "请指定集群,或删除资源池",
  ),
  "quota-above-limit": fault(
    "the guarantee of {guarantee} is above the limit of {limit}",
    "保障值 {guarantee} 高于上限 {limit}",
    "raise the limit or lower the guarantee",
    "请提高上限或降低保障值",
  ),
  "guarantees-exceed-pool": fault(
    "the guarantees in pool {pool} add up to {sum}, but its {hosts} hosts have {capacity}{overcommit}",
    "资源池 {pool} 的保障值合计 {sum},而其 {hosts} 台宿主机只有 {capacity}{overcommitZh}",
    "lower guarantees by {missing}, or give the pool more hosts",
    "请降低保障值 {missing},或为资源池增加宿主机",
  ),
  "class-name-size": fault(
    "the class is called {name}, but `{field}` is {value}",
    "规格名为 {name},但 {field} 为 {value}",
    "write {expected}, or choose another name",
    "请改为 {expected},或更换名称",
  ),
  "instance-name-pattern": fault(
    "`{pattern}` cannot name instances: {problem}",
    "{pattern} 不能用作实例命名规则:{problem}",
    "write a pattern such as {subsystem}-{dcn}-{nn} or {system}-{ip}, or leave it out",
    "请改为 {subsystem}-{dcn}-{nn} 或 {system}-{ip} 之类的规则,或省略该字段",
  ),
  "dcn-name-group": fault(
    "{name} does not begin with the id of its group {group}",
    "{name} 没有以其数据单元组 {group} 开头",
    "write a group that it begins with, or another name",
    "请改用与名称开头一致的组,或更换名称",
  ),
  "dcn-name-other-group": fault(
    "{name} is of group ADM, but begins with the id of group {group}",
    "{name} 属于 ADM 组,却以数据单元组 {group} 的编号开头",
    "write another name, or group {group}",
    "请更换名称,或改为 {group} 组",
  ),
  "dcn-group-idc": fault(
    "{name} and {others} of group {group} are all in IDC {idc}",
    "{group} 组的 {name} 与 {others} 同在机房 {idc}",
    "put them in different IDCs, or say `sharedIdc: true` on the group",
    "请放在不同机房,或在组上声明 sharedIdc: true",
  ),
  "dcn-group-environment": fault(
    "{name} is in environment {environment}, but {other} of its group in {otherEnvironment}",
    "{name} 属于环境 {environment},而同组的 {other} 属于 {otherEnvironment}",
    "write one environment for the whole group",
    "请使整组属于同一环境",
  ),
  "dcn-cluster": fault(
    "the DCN is in IDC {idc} and environment {environment}, but cluster {cluster} in {clusterIdc} and {clusterEnvironment}",
    "数据单元位于机房 {idc}、环境 {environment},而集群 {cluster} 位于 {clusterIdc}、{clusterEnvironment}",
    "name clusters of its IDC and environment only",
    "请只使用同一机房、同一环境的集群",
  ),
  "vm-pair": fault(
    "the VM names its {present} but not its {absent}",
    "虚拟机指定了 {present} 但没有 {absent}",
    "name both or neither",
    "请同时指定,或都不指定",
  ),
  "vm-dcn-idc": fault(
    "the VM's rack {rack} is in IDC {rackIdc}, its DCN {dcn} in IDC {dcnIdc}",
    "虚拟机的机架 {rack} 位于机房 {rackIdc},而数据单元 {dcn} 位于机房 {dcnIdc}",
    "write a rack of IDC {dcnIdc}, or another DCN",
    "请改用机房 {dcnIdc} 的机架,或其他数据单元",
  ),
  "rule-on-itself": fault(
    "subsystem {name} has a rule about itself",
    "子系统 {name} 的规则指向了自身",
    "use `maxPerHost`, `maxPerRack` or `survival` for its own instances",
    "对自身实例请使用 maxPerHost、maxPerRack 或 survival",
  ),
  "field-frozen": fault(
    "`{field}` can't change from {before} to {after} while {users} use it: {reason}",
    "{users} 正在使用时,{field} 不能从 {before} 改为 {after}:{reasonZh}",
    "move them first, or make a new {kind}",
    "请先迁走它们,或新建 {kind}",
  ),
  "still-referenced": fault(
    "{kind} {name} is still needed by {count}: {users}",
    "{kind} {name} 仍被 {count} 个对象使用:{users}",
    "delete or change those first",
    "请先删除或修改这些对象",
  ),
  "nothing-to-delete": fault(
    "there is no {kind} {name} to delete",
    "要删除的 {kind} {name} 不存在",
    "{suggestion}check the name",
    "{suggestionZh}请检查名称",
  ),
} as const satisfies Readonly<Record<string, FaultText>>;

/** The stable code of a fault. */
export type EstateFaultCode = keyof typeof faultTexts;
