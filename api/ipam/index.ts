export type { Address, AddressVersion, Difference, SubnetUsage } from "./address-schema.ts";
export { keptDifferenceKinds } from "./address-schema.ts";
export { ipamOperations } from "./ipam-operations.ts";
export { hostReportSchema, reportAnswerSchema, type ReportAnswer, type ReportedHost } from "./host-report-schema.ts";
