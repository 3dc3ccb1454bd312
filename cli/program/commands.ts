import type { CommandEntry } from "./command.ts";

/** Every verb, in the order of the help. `server` is dispatched by bin/wcs, since the client may not import the server. */
export const commands: Readonly<Record<string, CommandEntry>> = {
  get: {
    summary: { en: "list resources, or show some by name", zh: "列出资源，或按名称查看" },
    load: async () => (await import("../commands/get.ts")).get,
  },
  apply: {
    summary: {
      en: "make the estate, people and rights as files say, all or nothing",
      zh: "按文件变更资源台账、人员与权限，全部成功或全不生效",
    },
    load: async () => (await import("../commands/apply.ts")).apply,
  },
  diff: {
    summary: {
      en: "show what apply would change, or how template versions and what runs differ",
      zh: "查看 apply 将产生的变更，或比较模板版本与运行实例",
    },
    load: async () => (await import("../commands/diff.ts")).diff,
  },
  describe: {
    summary: { en: "show everything about one resource", zh: "查看单个资源的全部信息" },
    load: async () => (await import("../commands/describe.ts")).describe,
  },
  delete: {
    summary: { en: "delete a resource", zh: "删除资源" },
    load: async () => (await import("../commands/delete.ts")).deleteCommand,
  },
  explain: {
    summary: { en: "say where instances would go, or why they can't", zh: "说明实例会放在哪里，或为何放不下" },
    load: async () => (await import("../commands/explain.ts")).explain,
  },
  simulate: {
    summary: {
      en: "say what the loss of a host, rack, cluster or IDC would take",
      zh: "推演丢失宿主机、机架、集群或机房的影响",
    },
    load: async () => (await import("../commands/simulate.ts")).simulate,
  },
  top: {
    summary: { en: "show how full the pools are", zh: "查看资源池使用情况" },
    load: async () => (await import("../commands/top.ts")).top,
  },
  cluster: {
    summary: { en: "connect with a cluster, repair or remove it", zh: "接入、修复或移除集群" },
    load: async () => (await import("../commands/cluster.ts")).cluster,
  },
  cmdb: {
    summary: {
      en: "send changes to the bank's CMDB, and take in what it knows",
      zh: "向 CMDB 推送变更，导入 CMDB 数据",
    },
    load: async () => (await import("../commands/cmdb.ts")).cmdb,
  },
  template: {
    summary: { en: "add a version to a template", zh: "新增模板版本" },
    load: async () => (await import("../commands/template.ts")).template,
  },
  request: {
    summary: { en: "ask for instances, with their plan shown first", zh: "申请实例，先展示方案" },
    load: async () => (await import("../commands/request.ts")).request,
  },
  approve: {
    summary: { en: "approve another person's request, release or recovery", zh: "审批他人的申请、发布或宿主机恢复" },
    load: async () => (await import("../commands/approve.ts")).approve,
  },
  reject: {
    summary: { en: "reject a request, a release or a recovery", zh: "驳回申请、发布或宿主机恢复" },
    load: async () => (await import("../commands/approve.ts")).reject,
  },
  release: {
    summary: {
      en: "plan a release, start, pause, continue, abort it, or roll it back",
      zh: "制定、开始、暂停、继续、终止或回滚发布",
    },
    load: async () => (await import("../commands/release.ts")).release,
  },
  recover: {
    summary: {
      en: "move a lost host's instances within its rack, with their IPs",
      zh: "恢复失联宿主机：在机架内迁移其实例，IP 不变",
    },
    load: async () => (await import("../commands/recover.ts")).recover,
  },
  freeze: {
    summary: { en: "add a time in which no release begins anything", zh: "新增封网窗口" },
    load: async () => (await import("../commands/freeze.ts")).freeze,
  },
  start: {
    summary: { en: "start instances", zh: "启动实例" },
    load: async () => (await import("../commands/operate.ts")).start,
  },
  stop: {
    summary: { en: "stop instances; they keep their place and addresses", zh: "停止实例，保留位置与地址" },
    load: async () => (await import("../commands/operate.ts")).stop,
  },
  restart: {
    summary: { en: "restart instances", zh: "重启实例" },
    load: async () => (await import("../commands/operate.ts")).restart,
  },
  grant: {
    summary: { en: "ask for a privilege on instances, approve or end one", zh: "申请、审批或结束实例上的临时权限" },
    load: async () => (await import("../commands/grant.ts")).grant,
  },
  ip: {
    summary: { en: "assign, release, block or clear an address by hand", zh: "手工分配、释放、停用或恢复 IP" },
    load: async () => (await import("../commands/ip.ts")).ip,
  },
  token: {
    summary: { en: "make or revoke API tokens", zh: "创建或吊销 API 令牌" },
    load: async () => (await import("../commands/token.ts")).token,
  },
  audit: {
    summary: { en: "list what was done, or verify that the record is whole", zh: "查看审计记录，或校验其完整性" },
    load: async () => (await import("../commands/audit.ts")).audit,
  },
  login: {
    summary: { en: "log in with the browser, or keep a token", zh: "通过浏览器登录，或保存令牌" },
    load: async () => (await import("../commands/login.ts")).login,
  },
  logout: {
    summary: { en: "revoke and forget the token of `wcs login`", zh: "吊销并清除登录令牌" },
    load: async () => (await import("../commands/logout.ts")).logout,
  },
  watch: {
    summary: { en: "follow changes", zh: "持续查看变更" },
    load: async () => (await import("../commands/watch.ts")).watch,
  },
  run: {
    summary: { en: "run a packaged command in instances", zh: "在实例中执行现成的命令" },
    load: async () => (await import("../commands/run.ts")).run,
  },
  exec: {
    summary: { en: "run a program in an instance, caged and recorded", zh: "在实例中受限运行程序，全程记录" },
    load: async () => (await import("../commands/exec.ts")).exec,
  },
  logs: {
    summary: { en: "read or follow the logs of instances", zh: "查看或跟踪实例日志" },
    load: async () => (await import("../commands/logs.ts")).logs,
  },
  sessions: {
    summary: { en: "list, replay or end sessions", zh: "列出、回放或结束会话" },
    load: async () => (await import("../commands/sessions.ts")).sessions,
  },
  agent: {
    summary: { en: "let a host's agent join, or shut it out", zh: "让宿主机代理加入，或吊销其证书" },
    load: async () => (await import("../commands/agent.ts")).agent,
  },
  server: {
    summary: { en: "start the platform server (`wcs server --help`)", zh: "启动平台服务（`wcs server --help`）" },
    load: async () => (await import("../commands/server.ts")).server,
  },
  completion: {
    summary: { en: "print a completion script for bash, zsh or fish", zh: "输出 bash、zsh 或 fish 的补全脚本" },
    load: async () => (await import("../commands/completion.ts")).completion,
  },
  version: {
    summary: { en: "print the version", zh: "显示版本" },
    load: async () => (await import("../commands/version.ts")).version,
  },
};
