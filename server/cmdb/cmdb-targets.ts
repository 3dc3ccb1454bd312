import type { Row } from "../database/database.ts";

/** A target as it is stored. */
export type CmdbTargetRow = Row &
  Readonly<{
    name: string;
    type: "webhook";
    url: string;
    kinds: ("Host" | "VM" | "Instance")[];
    enabled: boolean;
    version: number;
  }>;

/** Where a target's key is kept. */
export const secretNameOf = (target: string): string => `cmdb-target/${target}/key`;
