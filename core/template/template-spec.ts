/**
 * The shape of a subsystem: what one version of a template says. It has words only for what an instance may have, so that privileges,
 * host namespaces and host paths cannot be asked for at all. Strings marked (text) may hold `${parameter}` and `${wcs.…}`.
 */
export type TemplateSpec = Readonly<{
  /** JSON Schema of the parameters; see parameter-schema.ts for the part of it that is allowed. */
  parameters?: ParameterSchema;
  /** Where the image is, without tag or digest: a release brings the digest. */
  image: string;
  /** (text) Instead of the image's own. */
  command?: readonly string[];
  /** (text) */
  args?: readonly string[];
  /** (text) */
  environment?: Readonly<Record<string, string>>;
  ports?: readonly TemplatePort[];
  probes?: Readonly<{ startup?: Probe; readiness?: Probe; liveness?: Probe }>;
  gracefulStop?: GracefulStop;
  /** Files made from configuration, read-only in the container. */
  files?: readonly TemplateFile[];
  /** Folders of its own that are emptied when the pod is made anew. */
  folders?: readonly TemplateFolder[];
  /** Where the application writes its logs; on the host it is a fixed folder per instance. */
  logFolder?: string;
  /** (text) Labels of the pod. */
  labels?: Readonly<Record<string, string>>;
  /** IANA name; the environment's otherwise. */
  timeZone?: string;
  /** Numeric ids that the processes run as. Never 0. */
  user: Readonly<{ uid: number; gid: number }>;
  /** The image's own file system cannot be written to. */
  readOnlyRoot?: boolean;
  /** A second NIC, in this area, for instances that talk to the outside. */
  extraNic?: Readonly<{ area: string }>;
}>;

export type TemplatePort = Readonly<{ name: string; port: number; protocol?: "TCP" | "UDP" }>;

/** How an application is asked whether it is well. Exactly one of http, tcp, command. */
export type Probe = Readonly<{
  http?: Readonly<{ path: string; port: number }>;
  tcp?: Readonly<{ port: number }>;
  command?: readonly string[];
  initialDelaySeconds?: number;
  periodSeconds?: number;
  timeoutSeconds?: number;
  failureThreshold?: number;
}>;

/** How long an application may take to stop, and what is run or called first. */
export type GracefulStop = Readonly<{
  seconds: number;
  command?: readonly string[];
  http?: Readonly<{ path: string; port: number }>;
}>;

/** `content` is (text). `mode` is octal text, `"0440"`. */
export type TemplateFile = Readonly<{ path: string; content: string; mode?: string }>;
export type TemplateFolder = Readonly<{ path: string; sizeMiB: number }>;

export type ParameterValue = string | number | boolean | readonly string[] | readonly number[];
export type ParameterValues = Readonly<Record<string, ParameterValue>>;

/** The part of JSON Schema (2020-12) that parameters may use: an object of plain values. */
export type ParameterSchema = Readonly<{
  type: "object";
  properties: Readonly<Record<string, ParameterProperty>>;
  required?: readonly string[];
  additionalProperties?: false;
}>;

export type ParameterProperty = Readonly<{
  type: "string" | "integer" | "number" | "boolean" | "array";
  title?: string;
  description?: string;
  default?: ParameterValue;
  enum?: readonly (string | number)[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minItems?: number;
  maxItems?: number;
  items?: Readonly<{ type: "string" | "integer" | "number"; pattern?: string; maxLength?: number }>;
}>;

/** One thing that is wrong with what somebody wrote: where, what, and what to do about it. */
export type Problem = Readonly<{ path: string; problem: string; remedy: string }>;
