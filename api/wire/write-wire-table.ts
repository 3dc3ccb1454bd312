// Writes wire-table.ts: `node api/wire/write-wire-table.ts && npm run format`, after an operation was added or moved.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { operations } from "../operations.ts";
import { wireText } from "./wire-text.ts";

writeFileSync(join(import.meta.dirname, "wire-table.ts"), wireText(operations));
