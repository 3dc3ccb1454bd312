import { checkParameterSchema } from "./parameter-schema.ts";
import { checkPlaceholders } from "./render-template.ts";
import type { Probe, Problem, TemplateSpec } from "./template-spec.ts";

/** Limits of a template. The files' sum stays far under etcd's and a ConfigMap's 1 MiB. */
export const templateLimits = {
  environment: 200,
  files: 30,
  filesBytes: 512 * 1024,
  folders: 20,
  folderMiB: 100 * 1024,
  ports: 50,
  labels: 30,
  words: 100,
  stopSeconds: 900,
} as const;

const environmentName = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
/** distribution/reference: a registry with a port at most, then lower-case path components. */
const imageName =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]{1,5})?\/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/;
const labelName = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
/** Folders that belong to the kernel, the runtime or kubelet. */
const reserved = [
  "/proc",
  "/sys",
  "/dev",
  "/run/secrets",
  "/var/run/secrets",
  "/etc/hosts",
  "/etc/hostname",
  "/etc/resolv.conf",
];

/**
 * Everything that is wrong with a template whose shape is right: against Kubernetes' rules, against the clusters' baseline (pod security
 * `restricted`) and in itself. All problems at once, each with the path and what to do.
 */
export function checkTemplate(spec: TemplateSpec): readonly Problem[] {
  const problems: Problem[] = [];
  const report = (path: string, problem: string, remedy: string) => problems.push({ path, problem, remedy });
  const atMost = (path: string, count: number, limit: number) => {
    if (count > limit) report(path, `there are ${count}`, `keep to ${limit}`);
  };

  if (!imageName.test(spec.image) || spec.image.length > 255) {
    report(
      "image",
      `${spec.image} is not an image's name`,
      "give registry and path without tag and digest; the release brings the digest",
    );
  }
  for (const part of ["uid", "gid"] as const) {
    const id = spec.user[part];
    if (!Number.isInteger(id) || id < 1 || id > 2 ** 31 - 1) {
      report(`user.${part}`, `${id} is not allowed`, "use a whole number from 1: nothing runs as root");
    }
  }
  atMost("command", spec.command?.length ?? 0, templateLimits.words);
  atMost("args", spec.args?.length ?? 0, templateLimits.words);

  const environment = Object.keys(spec.environment ?? {});
  atMost("environment", environment.length, templateLimits.environment);
  for (const name of environment) {
    if (!environmentName.test(name)) {
      report(
        `environment.${name}`,
        "is not a variable's name",
        "use letters, digits and _, not beginning with a digit",
      );
    } else if (name === "TZ" || name.startsWith("WCS_")) {
      report(`environment.${name}`, "is set by WCS", name === "TZ" ? "use timeZone" : "choose another name");
    }
  }

  checkPorts(spec, report, atMost);
  for (const name of ["startup", "readiness", "liveness"] as const) {
    const probe = spec.probes?.[name];
    if (probe !== undefined) checkProbe(`probes.${name}`, probe, report);
  }
  const stop = spec.gracefulStop;
  if (stop !== undefined) {
    if (!Number.isInteger(stop.seconds) || stop.seconds < 1 || stop.seconds > templateLimits.stopSeconds) {
      report("gracefulStop.seconds", `${stop.seconds} is not allowed`, `use 1 to ${templateLimits.stopSeconds}`);
    }
    if (stop.command !== undefined && stop.http !== undefined) {
      report("gracefulStop", "has both a command and an HTTP call", "keep one of them");
    }
    if (stop.command?.length === 0) report("gracefulStop.command", "is empty", "name a program, or leave it out");
    if (stop.http !== undefined) checkHttp("gracefulStop.http", stop.http, report);
  }
  checkPaths(spec, report, atMost);

  const labels = Object.keys(spec.labels ?? {});
  atMost("labels", labels.length, templateLimits.labels);
  for (const name of labels) {
    if (!labelName.test(name)) {
      report(
        `labels.${name}`,
        "is not a label's name here",
        "use up to 63 letters, digits, - _ . without a prefix: prefixes belong to platforms",
      );
    }
  }
  if (spec.timeZone !== undefined && !isTimeZone(spec.timeZone)) {
    report("timeZone", `${spec.timeZone} is not a time zone`, "use an IANA name such as Asia/Shanghai");
  }
  if (spec.extraNic !== undefined && !/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(spec.extraNic.area)) {
    report("extraNic.area", `${spec.extraNic.area} is not a network area's name`, "name an area such as dmz or ecn");
  }
  if (spec.parameters !== undefined) problems.push(...checkParameterSchema(spec.parameters));
  problems.push(...checkPlaceholders(spec));
  return problems;
}

type Report = (path: string, problem: string, remedy: string) => void;
type AtMost = (path: string, count: number, limit: number) => void;

function checkPorts(spec: TemplateSpec, report: Report, atMost: AtMost): void {
  const ports = spec.ports ?? [];
  atMost("ports", ports.length, templateLimits.ports);
  const names = new Set<string>();
  const numbers = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const path = `ports[${index}]`;
    if (!/^(?=.*[a-z])(?!.*--)[a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?$/.test(port.name)) {
      report(
        `${path}.name`,
        `${port.name} is not a port's name`,
        "use up to 15 lower-case letters, digits and single dashes, with a letter",
      );
    }
    if (!isPort(port.port)) report(`${path}.port`, `${port.port} is not a port`, "use 1 to 65535");
    const number = `${port.protocol ?? "TCP"}/${port.port}`;
    if (names.has(port.name)) report(`${path}.name`, `${port.name} stands there twice`, "give each port its own name");
    if (numbers.has(number)) report(`${path}.port`, `${number} stands there twice`, "name each port once");
    names.add(port.name);
    numbers.add(number);
  }
}

function checkProbe(path: string, probe: Probe, report: Report): void {
  const kinds = [probe.http, probe.tcp, probe.command].filter((kind) => kind !== undefined).length;
  if (kinds !== 1) report(path, `has ${kinds} ways to ask`, "give exactly one of http, tcp, command");
  if (probe.http !== undefined) checkHttp(`${path}.http`, probe.http, report);
  if (probe.tcp !== undefined && !isPort(probe.tcp.port)) {
    report(`${path}.tcp.port`, `${probe.tcp.port} is not a port`, "use 1 to 65535");
  }
  if (probe.command?.length === 0) report(`${path}.command`, "is empty", "name a program");
  for (const [name, least, most] of [
    ["initialDelaySeconds", 0, 3600],
    ["periodSeconds", 1, 3600],
    ["timeoutSeconds", 1, 300],
    ["failureThreshold", 1, 1000],
  ] as const) {
    const value = probe[name];
    if (value !== undefined && (!Number.isInteger(value) || value < least || value > most)) {
      report(`${path}.${name}`, `${value} is not allowed`, `use ${least} to ${most}`);
    }
  }
}

function checkHttp(path: string, http: Readonly<{ path: string; port: number }>, report: Report): void {
  if (!/^\/[!-~]{0,1023}$/.test(http.path)) {
    report(`${path}.path`, `${http.path} is not a path`, "begin it with / and use printable ASCII");
  }
  if (!isPort(http.port)) report(`${path}.port`, `${http.port} is not a port`, "use 1 to 65535");
}

function checkPaths(spec: TemplateSpec, report: Report, atMost: AtMost): void {
  const files = spec.files ?? [];
  const folders = spec.folders ?? [];
  atMost("files", files.length, templateLimits.files);
  atMost("folders", folders.length, templateLimits.folders);
  const bytes = files.reduce((sum, file) => sum + new TextEncoder().encode(file.content).length, 0);
  if (bytes > templateLimits.filesBytes) {
    report("files", `are ${bytes} bytes in all`, `keep to ${templateLimits.filesBytes} bytes`);
  }
  for (const [index, file] of files.entries()) {
    if (file.mode !== undefined && !/^0?[0-7]{3}$/.test(file.mode)) {
      report(`files[${index}].mode`, `${file.mode} is not a mode`, 'use three octal digits, "0440"');
    }
  }
  for (const [index, folder] of folders.entries()) {
    if (!Number.isInteger(folder.sizeMiB) || folder.sizeMiB < 1 || folder.sizeMiB > templateLimits.folderMiB) {
      report(`folders[${index}].sizeMiB`, `${folder.sizeMiB} is not allowed`, `use 1 to ${templateLimits.folderMiB}`);
    }
  }
  const paths = [
    ...files.map((file, index) => [`files[${index}].path`, file.path] as const),
    ...folders.map((folder, index) => [`folders[${index}].path`, folder.path] as const),
    ...(spec.logFolder === undefined ? [] : [["logFolder", spec.logFolder] as const]),
  ];
  for (const [at, path] of paths) {
    const clean =
      /^(?:\/[A-Za-z0-9_.@+-]+)+$/.test(path) && !path.split("/").some((part) => part === "." || part === "..");
    if (!clean || path.length > 255) {
      report(
        at,
        `${path} is not a path that may be used`,
        "write it absolute and plain: /opt/app/conf, without . and ..",
      );
    }
    const taken = reserved.find((folder) => path === folder || path.startsWith(`${folder}/`));
    if (taken !== undefined) report(at, `${path} lies in ${taken}`, "choose a path of the application's own");
    const other = paths.find(([where, there]) => where !== at && (there === path || path.startsWith(`${there}/`)));
    const inFolder =
      other !== undefined && other[1] !== path && other[0].startsWith("folders") && !at.startsWith("files");
    if (other !== undefined && !inFolder) report(at, `${path} lies over ${other[0]}`, "give each its own place");
  }
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65535;
}

/** True for a name of the IANA time zone database that the runtime knows; offsets such as +08:00 are not names. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
