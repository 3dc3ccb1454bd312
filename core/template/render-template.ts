import { defaultsOf } from "./parameter-schema.ts";
import type { ParameterValue, ParameterValues, Problem, TemplateSpec } from "./template-spec.ts";

/** What a template may ask of the instance that it is rendered for: `${wcs.ip}`. */
export const instanceTexts = [
  "instance",
  "subsystem",
  "dcn",
  "dcnGroup",
  "idc",
  "rack",
  "environment",
  "ip",
  "class",
  "cpuMilli",
  "memoryMiB",
] as const;
export type InstanceTexts = Readonly<Record<(typeof instanceTexts)[number], string>>;

const placeholder = /\$\{([^}]*)\}/g;

/** Every text of a template with where it stands. */
function textsOf(spec: TemplateSpec): readonly (readonly [path: string, text: string])[] {
  return [
    ...(spec.command ?? []).map((text, index) => [`command[${index}]`, text] as const),
    ...(spec.args ?? []).map((text, index) => [`args[${index}]`, text] as const),
    ...Object.entries(spec.environment ?? {}).map(([name, text]) => [`environment.${name}`, text] as const),
    ...(spec.files ?? []).map((file, index) => [`files[${index}].content`, file.content] as const),
    ...Object.entries(spec.labels ?? {}).map(([name, text]) => [`labels.${name}`, text] as const),
  ];
}

/** Placeholders that name neither a parameter nor a text of the instance. `$$` before a brace stands for itself. */
export function checkPlaceholders(spec: TemplateSpec): readonly Problem[] {
  const parameters = Object.keys(spec.parameters?.properties ?? {});
  const problems: Problem[] = [];
  for (const [path, text] of textsOf(spec)) {
    for (const [whole, name = ""] of text.replaceAll("$${", "").matchAll(placeholder)) {
      const known = name.startsWith("wcs.") ? isInstanceText(name.slice(4)) : parameters.includes(name);
      if (known) continue;
      const names = [...parameters, ...instanceTexts.map((text) => `wcs.${text}`)];
      problems.push({
        path,
        problem: `${whole} is not known`,
        remedy: `known are: ${names.join(", ")}; write $\${ for a literal \${`,
      });
    }
  }
  return problems;
}

function isInstanceText(name: string): name is keyof InstanceTexts {
  return (instanceTexts as readonly string[]).includes(name);
}

/**
 * The template with every placeholder filled in for one instance. Values are put in once: a value that looks like a placeholder stays as it
 * is. A parameter that has neither value nor default is the empty text; checkParameters says beforehand which must be given.
 */
export function renderTemplate(spec: TemplateSpec, values: ParameterValues, texts: InstanceTexts): TemplateSpec {
  const all: ParameterValues = { ...(spec.parameters === undefined ? {} : defaultsOf(spec.parameters)), ...values };
  const fill = (text: string) =>
    text
      .split("$${")
      .map((part) =>
        part.replace(placeholder, (_, name: string) => {
          if (!name.startsWith("wcs.")) return textOf(all[name]);
          const key = name.slice(4);
          return isInstanceText(key) ? texts[key] : "";
        }),
      )
      .join("${");
  const fillAll = (record: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(record).map(([name, text]) => [name, fill(text)]));
  return {
    ...spec,
    ...(spec.command && { command: spec.command.map(fill) }),
    ...(spec.args && { args: spec.args.map(fill) }),
    ...(spec.environment && { environment: fillAll(spec.environment) }),
    ...(spec.labels && { labels: fillAll(spec.labels) }),
    ...(spec.files && { files: spec.files.map((file) => ({ ...file, content: fill(file.content) })) }),
  };
}

function textOf(value: ParameterValue | undefined): string {
  if (value === undefined) return "";
  return typeof value === "object" ? value.join(",") : String(value);
}
