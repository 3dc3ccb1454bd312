// Writes docs/errors.md anew.
import { writeFileSync } from "node:fs";
import { errorsPage } from "./errors-page.ts";

writeFileSync(`${import.meta.dirname}/../../docs/errors.md`, errorsPage());
