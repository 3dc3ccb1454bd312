import type { Attachment } from "../attachment.ts";

/** What the runtime remembers of the ADD against what was added; the differences in words (CNI spec, "CHECK"). */
export function checkPrevResult(attachment: Attachment, prevResult: Record<string, unknown>): string[] {
  const list = (value: unknown): Record<string, unknown>[] =>
    Array.isArray(value) ? value.filter((entry) => typeof entry === "object" && entry !== null) : [];
  const addresses = list(prevResult["ips"]).map((ip) => ip["address"]);
  const inside = list(prevResult["interfaces"]).filter(
    (entry) => typeof entry["sandbox"] === "string" && entry["sandbox"] !== "",
  );
  const problems: string[] = [];
  for (const nic of attachment.nics) {
    if (!addresses.includes(nic.address)) problems.push(`prevResult lacks address ${nic.address}`);
    const found = inside.find((entry) => entry["name"] === nic.name);
    if (!found) problems.push(`prevResult lacks interface ${nic.name}`);
    else if (typeof found["mac"] === "string" && found["mac"].toLowerCase() !== nic.mac) {
      problems.push(`prevResult gives ${nic.name} MAC ${found["mac"]}, not ${nic.mac}`);
    }
  }
  return problems;
}
