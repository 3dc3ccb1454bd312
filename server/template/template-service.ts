import { findTemplate, newestTemplate } from "./template-store.ts";

/** What other features may ask of templates. */
export type TemplateService = Readonly<{ find: typeof findTemplate; newest: typeof newestTemplate }>;

export const templateService: TemplateService = { find: findTemplate, newest: newestTemplate };
