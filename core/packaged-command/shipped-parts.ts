import type { PackagedCommand, Parameter } from "./packaged-command.ts";

type Given = Pick<PackagedCommand, "name" | "summary" | "argv" | "examples"> & Partial<PackagedCommand>;

/** A command that looks and changes nothing, ends within 10 s, prints at most 1 MiB, in lines; what differs is given. */
export const command = (given: Given): PackagedCommand => ({
  version: 1,
  changes: false,
  parameters: {},
  timeoutMs: 10_000,
  maxOutputBytes: 1_048_576,
  rows: { by: "lines" },
  goodExitCodes: [],
  ...given,
});

type Range = Readonly<{ minimum: number; maximum: number; default?: number }>;
type Text = PackagedCommand["summary"];

export const integer = (en: string, zh: string, range: Range): Parameter => ({
  type: "integer",
  description: { en, zh },
  ...range,
});

export const pid: Parameter = integer("the process's number in the container", "容器内的进程号", {
  minimum: 1,
  maximum: 4_194_304,
  default: 1,
});

/** Any file of the container: what may be read there is the cage's matter. */
export const path = (en: string, zh: string): Parameter => ({ type: "path", description: { en, zh }, maxLength: 1024 });

export const word = (type: "text" | "host" | "url", description: Text, maxLength: number): Parameter => ({
  type,
  description,
  maxLength,
});
