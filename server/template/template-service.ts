import { findTemplate, newestTemplate, type Template } from "./template-store.ts";

/** What other features may ask of templates. */
export type TemplateService = Readonly<{ find: typeof findTemplate; newest: typeof newestTemplate }>;

const mostKept = 1_000;
const kept = new Map<string, Template>();

/** A version never changes, so it is read once. */
const find: typeof findTemplate = async (query, subsystem, version) => {
  const key = `${subsystem}/${version}`;
  const known = kept.get(key);
  if (known !== undefined) return known;
  const template = await findTemplate(query, subsystem, version);
  if (template === null) return null;
  kept.set(key, template);
  for (const oldest of [...kept.keys()].slice(0, -mostKept)) kept.delete(oldest);
  return template;
};

export const templateService: TemplateService = { find, newest: newestTemplate };
