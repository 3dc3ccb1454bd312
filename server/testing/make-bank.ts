import type { Client } from "@wcs/api";
import { changeEstate } from "@wcs/api/estate";

/** Makes the businesses retail and cards, and the clusters c1 and c2 of a sit environment in the IDC idc1. */
export async function makeBank(admin: Client): Promise<void> {
  const cluster = { idc: "idc1", environment: "sit" };
  const documents = [
    { kind: "Business", name: "retail" },
    { kind: "Business", name: "cards" },
    { kind: "City", name: "shenzhen" },
    { kind: "IDC", name: "idc1", spec: { city: "shenzhen" } },
    { kind: "Environment", name: "sit", spec: { ticketRequired: false, approvals: 0 } },
    { kind: "Cluster", name: "c1", spec: cluster },
    { kind: "Cluster", name: "c2", spec: cluster },
  ];
  await admin.call(changeEstate, { body: { documents } });
}
