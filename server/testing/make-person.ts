import type { Client } from "@wcs/api";

/** Puts a person into the estate. */
export async function makePerson(_admin: Client, _name: string): Promise<void> {}
