import { readFileSync } from "node:fs";
import { accessKinds, accessOperations, type AccessKind } from "@wcs/api/access";
import { ProblemError, type Client } from "@wcs/api/http";
import { parseAllDocuments } from "yaml";
import { cell } from "../output/table.ts";
import type { Command } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";

type AccessDocument = Readonly<{ kind: AccessKind; name: string; title?: string; spec: unknown }>;

/** Makes or replaces groups, service accounts, roles and role bindings, one after another; the estate has `apply`. */
export const put: Command = {
  usage: "-f FILE",
  options: {
    file: {
      type: "string",
      short: "f",
      value: "FILE",
      help: { en: "YAML or JSON documents; - is stdin", zh: "YAML 或 JSON 文件；- 表示标准输入" },
    },
  },
  examples: ["wcs put -f roles.yaml --reason 'new team'"],
  run: async (context) => {
    const { options, output, isDryRun } = context;
    const file = options["file"];
    if (typeof file !== "string" || context.words.length > 0) throw new UsageError("give -f FILE", "请用 -f FILE");
    const documents = parseDocuments(file === "-" ? await context.readStdin() : readFileSync(file, "utf8"));
    const client = await context.client();
    for (const document of documents) {
      const done = await putOne(client, document, { ...context.act(), query: { dryRun: isDryRun } });
      output.line(`${document.kind} ${cell(document.name)} ${done}`);
    }
    return exitCodes.ok;
  },
};

function parseDocuments(text: string): readonly AccessDocument[] {
  const parsed = parseAllDocuments(text);
  const values: unknown[] = [];
  for (const document of Array.isArray(parsed) ? parsed : []) {
    const [error] = document.errors;
    if (error !== undefined) throw new UsageError(error.message, error.message);
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    values.push(...(Array.isArray(value) ? (value as unknown[]) : [value]));
  }
  return values.map((value, at) => {
    const document = value as Partial<AccessDocument> | null;
    const kind = document?.kind;
    if (kind === undefined || !Object.hasOwn(accessKinds, kind) || typeof document?.name !== "string") {
      const kinds = Object.keys(accessKinds).join(", ");
      throw new UsageError(
        `document ${at + 1}: it needs a name, and a kind of ${kinds}`,
        `第 ${at + 1} 个文档：须有 name，kind 为 ${kinds} 之一`,
      );
    }
    return document as AccessDocument;
  });
}

type PutOptions = Readonly<{ idempotencyKey: string; reason?: string; ticket?: string; query: { dryRun: boolean } }>;

// What each kind's spec may say, the server checks; the four kinds have the same operations.
async function putOne(client: Client, { kind, name, title, spec }: AccessDocument, options: PutOptions) {
  const { create, replace } = accessOperations[kind] as (typeof accessOperations)["ServiceAccount"];
  const body = { ...(title === undefined ? {} : { title }), spec: spec as { business?: string } };
  try {
    await client.call(create, { ...options, body: { name, ...body } });
    return "created";
  } catch (error) {
    if (!(error instanceof ProblemError) || error.problem.code !== "resource.exists") throw error;
  }
  await client.call(replace, { ...options, idempotencyKey: crypto.randomUUID(), params: { name }, body });
  return "replaced";
}
