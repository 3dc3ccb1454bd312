import type { Client } from "@wcs/api";
import { estateOperations } from "@wcs/api/estate";

/** Makes a person in the estate. */
export async function makePerson(admin: Client, name: string): Promise<void> {
  await admin.call(estateOperations.Person.create, { body: { kind: "Person", name, spec: {} } });
}
