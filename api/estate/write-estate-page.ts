import { readFileSync, writeFileSync } from "node:fs";
import { estatePage } from "./estate-page.ts";

const docs = `${import.meta.dirname}/../../docs`;
writeFileSync(`${docs}/estate.md`, estatePage(readFileSync(`${docs}/estate.example.yaml`, "utf8")));
