import type { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";

/** Teaches a validator the formats of the API's schemas. What `ipv4-cidr` and `ipv4-range` mean, the estate's rules check. */
export function addFormats(ajv: Ajv2020): void {
  formats.default(ajv);
  ajv.addFormat("ipv4-cidr", true);
  ajv.addFormat("ipv4-range", true);
}
