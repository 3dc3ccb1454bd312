import type { Scope } from "@wcs/core/access-rights";

/** The scope of what belongs to no business, environment or DCN group. */
export const nowhere: Scope = { business: null, environment: null, dcnGroup: null };
