/** Volume kinds that pod security `restricted` allows. */
const volumeKinds = [
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "persistentVolumeClaim",
  "projected",
  "secret",
];
const containerLists = ["containers", "initContainers", "ephemeralContainers"];

type Values = Readonly<Record<string, unknown>>;

/**
 * Where a pod breaks the clusters' baseline: Kubernetes' pod security standard `restricted` (v1.35), written down apart from what makes pods, so
 * that it can check that. Empty when it keeps all of it.
 */
export function podSecurityProblems(podSpec: Values): readonly string[] {
  const problems: string[] = [];
  for (const field of ["hostNetwork", "hostPID", "hostIPC"]) {
    if (podSpec[field] === true) problems.push(`${field} is on`);
  }
  if (podSpec["hostUsers"] === true) problems.push("hostUsers is on");
  for (const volume of list(podSpec["volumes"])) {
    const kinds = Object.keys(volume).filter((key) => key !== "name");
    const kind = kinds.find((key) => !volumeKinds.includes(key));
    if (kind !== undefined) problems.push(`volume ${String(volume["name"])} is a ${kind}`);
  }
  const pod = record(podSpec["securityContext"]);
  checkContext("the pod", pod, problems);
  if (list(pod["sysctls"]).length > 0) problems.push("the pod sets sysctls");
  for (const member of containerLists) {
    for (const container of list(podSpec[member])) checkContainer(container, pod, problems);
  }
  return problems;
}

function checkContainer(container: Values, pod: Values, problems: string[]): void {
  const name = `container ${String(container["name"])}`;
  const own = record(container["securityContext"]);
  checkContext(name, own, problems);
  if (own["privileged"] === true) problems.push(`${name} is privileged`);
  if (own["allowPrivilegeEscalation"] !== false) problems.push(`${name} does not forbid privilege escalation`);
  if (own["procMount"] !== undefined && own["procMount"] !== "Default") problems.push(`${name} changes procMount`);
  if ((own["runAsNonRoot"] ?? pod["runAsNonRoot"]) !== true) {
    problems.push(`${name} does not demand a user other than root`);
  }
  const capabilities = record(own["capabilities"]);
  if (!texts(capabilities["drop"]).includes("ALL")) problems.push(`${name} does not drop all capabilities`);
  const added = texts(capabilities["add"]).filter((capability) => capability !== "NET_BIND_SERVICE");
  if (added.length > 0) problems.push(`${name} adds ${added.join(", ")}`);
  const seccomp = record(own["seccompProfile"] ?? pod["seccompProfile"])["type"];
  if (seccomp !== "RuntimeDefault" && seccomp !== "Localhost") problems.push(`${name} has no seccomp profile`);
  for (const port of list(container["ports"])) {
    if (port["hostPort"] !== undefined && port["hostPort"] !== 0) problems.push(`${name} takes a port of the host`);
  }
  const calls = ["livenessProbe", "readinessProbe", "startupProbe"]
    .map((probe) => record(container[probe]))
    .concat(["preStop", "postStart"].map((hook) => record(record(container["lifecycle"])[hook])));
  for (const call of calls) {
    if ([call["httpGet"], call["tcpSocket"]].some((target) => record(target)["host"] !== undefined)) {
      problems.push(`${name} asks another host in a probe or hook`);
    }
  }
}

function checkContext(name: string, context: Values, problems: string[]): void {
  if (context["runAsUser"] === 0) problems.push(`${name} runs as root`);
  if (context["runAsNonRoot"] === false) problems.push(`${name} allows root`);
  const seccomp = record(context["seccompProfile"])["type"];
  if (seccomp === "Unconfined") problems.push(`${name} is not confined by seccomp`);
  const appArmor = record(context["appArmorProfile"])["type"];
  if (appArmor === "Unconfined") problems.push(`${name} is not confined by AppArmor`);
  const selinux = record(context["seLinuxOptions"]);
  if (selinux["user"] !== undefined || selinux["role"] !== undefined) {
    problems.push(`${name} sets an SELinux user or role`);
  }
  if (record(context["windowsOptions"])["hostProcess"] === true) problems.push(`${name} is a host process`);
}

function record(value: unknown): Values {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Values) : {};
}

function list(value: unknown): readonly Values[] {
  return Array.isArray(value) ? value.map(record) : [];
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
