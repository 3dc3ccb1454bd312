/** What a stable problem code means: the HTTP status that carries it, a title in both languages, and what a caller can do. */
export type ProblemKind = Readonly<{ status: number; title: string; titleZh: string; remedy: string }>;

const kind = (status: number, title: string, titleZh: string, remedy: string): ProblemKind => ({
  status,
  title,
  titleZh,
  remedy,
});

/**
 * Every stable code that an answer of the API may carry. docs/errors.md is this table as a page, and a test holds the two together. A code
 * is never given another meaning; a new condition gets a new code.
 */
export const problemCodes = {
  "request.invalid": kind(
    400,
    "The request is not well formed",
    "请求格式不正确",
    "Mend the fields that `errors` names.",
  ),
  "request.too-large": kind(413, "The request is too large", "请求体过大", "Send less at once."),
  "request.unsupported-media-type": kind(
    415,
    "The body's media type is not understood",
    "不支持的请求体类型",
    "Send application/json, or what the operation names.",
  ),
  "request.rate-limited": kind(429, "Too many requests", "请求过于频繁", "Wait as long as Retry-After says."),
  "request.cursor-invalid": kind(400, "The cursor is not one of ours", "分页游标无效", "Start again without a cursor."),
  "auth.missing": kind(
    401,
    "No valid token came with the request",
    "缺少有效令牌",
    "Send `Authorization: Bearer …`; see `wcs login`.",
  ),
  "auth.forbidden": kind(403, "You may not do this", "没有权限", "Ask for a role that allows it."),
  "resource.not-found": kind(
    404,
    "There is no such resource",
    "资源不存在",
    "Check the name, or whether you may see it.",
  ),
  "resource.exists": kind(
    409,
    "A resource of this name exists",
    "同名资源已存在",
    "Choose another name, or change the existing one.",
  ),
  "resource.referenced": kind(
    409,
    "Other resources still need this one",
    "仍被其他资源引用",
    "Delete or change what `errors` names first.",
  ),
  "resource.reference-missing": kind(
    422,
    "It refers to what is not there",
    "引用的资源不存在",
    "Create what `errors` names first, or mend the names.",
  ),
  "resource.version-mismatch": kind(
    412,
    "The resource has changed since it was read",
    "资源已被修改",
    "Read it again and send its new ETag in If-Match.",
  ),
  "estate.invalid": kind(
    422,
    "The estate's rules do not hold",
    "资源台账规则校验失败",
    "Mend what `errors` names; nothing was changed.",
  ),
  "template.invalid": kind(
    422,
    "The template's rules do not hold",
    "模板规则校验失败",
    "Mend what `errors` names; no version was added.",
  ),
  "request.impossible": kind(
    422,
    "What is asked for cannot be placed",
    "无法满足该申请",
    "`errors` names what cannot hold together and what would make it fit.",
  ),
  "approval.refused": kind(
    409,
    "This approval does not count",
    "审批无效",
    "Look at the plan as it is now; another person than the requester approves it.",
  ),
  "command.refused": kind(
    422,
    "This packaged command can't be run so",
    "无法执行该命令",
    "`errors` names the parameter, and what it may be; `wcs run --list` shows the commands.",
  ),
  "grant.refused": kind(
    422,
    "This privilege cannot be granted",
    "无法授予该权限",
    "`errors` names the field, and what may be granted.",
  ),
  "instance.busy": kind(
    409,
    "The instance is not free for this",
    "实例当前不可操作",
    "Wait for what works on it, or end that first.",
  ),
  "release.invalid": kind(
    422,
    "The release cannot be planned like this",
    "发布方案不可行",
    "Mend what `errors` names; nothing was made.",
  ),
  "release.state": kind(
    409,
    "The release is not in a state for this",
    "发布当前状态不允许该操作",
    "Look at its state and reason; the answer names what can be done now.",
  ),
  "release.frozen": kind(
    409,
    "A freeze window holds",
    "处于封网窗口",
    "Wait for its end, or break the glass with a reason.",
  ),
  "recovery.refused": kind(
    409,
    "The host can't be recovered like this",
    "该宿主机当前不能恢复",
    "Read `detail`: a host is recovered when it is lost and has instances, once at a time.",
  ),
  "act.ticket-required": kind(
    422,
    "An act on this environment names its change ticket",
    "该环境的操作必须填写变更单号",
    "Send WCS-Ticket (`--ticket`).",
  ),
  "act.reason-required": kind(
    422,
    "This act says why it is done",
    "该操作必须填写原因",
    "Send WCS-Reason (`--reason`).",
  ),
  "ipam.exhausted": kind(
    409,
    "There are not enough free addresses",
    "空闲 IP 不足",
    "Widen the subnet's range, release what is held and no longer needed, or use another rack.",
  ),
  "ipam.refused": kind(
    409,
    "The address ledger's rules do not allow it",
    "IP 台账规则不允许",
    "Read the address (`wcs describe ip`); `errors` names the rule.",
  ),
  "ipam.subnet-in-use": kind(
    409,
    "Addresses of the subnet are in use",
    "网段内仍有使用中的 IP",
    "Retire what has them, or leave the subnet as it is.",
  ),
  "ipam.policy-invalid": kind(
    422,
    "The release policy is not one",
    "IP 释放策略无效",
    "Give ttlMs with after-ttl, and only then.",
  ),
  "idempotency.key-reused": kind(
    422,
    "This Idempotency-Key came with another request before",
    "幂等键已用于其他请求",
    "Use a new key for a new act.",
  ),
  "access.exceeds-own": kind(
    403,
    "Nobody gives more rights than they have",
    "不能授予超出自身的权限",
    "Let somebody who has these rights do it.",
  ),
  "token.exceeds-own": kind(
    422,
    "A token can't do more than its maker",
    "令牌权限不能超出创建者",
    "Ask for no more than you may do, or let an administrator of the subject make it.",
  ),
  "cluster.kubeconfig-invalid": kind(
    422,
    "The kubeconfig can't be used",
    "kubeconfig 无法使用",
    "Mend the field that `errors` names; `kubectl config view --minify --flatten --raw` makes a whole one.",
  ),
  "cluster.unreachable": kind(
    422,
    "The cluster can't be reached",
    "无法连接集群",
    "Do what `detail` says; nothing was registered.",
  ),
  "cluster.not-allowed": kind(
    422,
    "The credential may not do that in the cluster",
    "凭据在集群中权限不足或已失效",
    "Give a valid credential with the rights that `errors` names.",
  ),
  "cluster.unsupported": kind(
    422,
    "WCS can't work with this cluster as it is",
    "暂不支持该集群",
    "Do what `errors` says; nothing was registered.",
  ),
  "login.refused": kind(
    401,
    "The login does not hold",
    "登录未通过",
    "Begin the login again; if it stays so, ask whether you are among the people of the estate.",
  ),
  "login.not-configured": kind(404, "This server has no identity provider", "未配置身份提供方", "Use an API token."),
  "login.provider-unreachable": kind(
    503,
    "The identity provider does not answer",
    "身份提供方不可用",
    "Try again later, or use an API token.",
  ),
  "audit.verification-runs": kind(
    409,
    "A verification of the audit runs already",
    "审计校验正在进行",
    "Wait for it to end.",
  ),
  "cmdb.not-dead": kind(
    409,
    "Only a dead delivery can be replayed or discarded",
    "仅失败的投递可以重放或丢弃",
    "Look at its state.",
  ),
  "session.away": kind(
    503,
    "The instance's host can't be reached now",
    "宿主机代理未连接",
    "Wait until its agent is linked (`wcs get agents`).",
  ),
  "session.elsewhere": kind(
    409,
    "Another server has this session",
    "会话在另一台服务器上",
    "Ask the server that `detail` names.",
  ),
  "watch.cursor-expired": kind(
    410,
    "Changes since this cursor are no longer kept",
    "监听游标已过期",
    "List again, then watch from the new cursor.",
  ),
  "server.busy": kind(
    503,
    "The server can't answer now",
    "服务暂时不可用",
    "Try again; with the same Idempotency-Key it is safe.",
  ),
  "server.failed": kind(
    500,
    "The server failed",
    "服务内部错误",
    "Report the request id; with the same Idempotency-Key a retry is safe.",
  ),
} as const satisfies Readonly<Record<string, ProblemKind>>;

/** A stable code of the API. */
export type ProblemCode = keyof typeof problemCodes;
