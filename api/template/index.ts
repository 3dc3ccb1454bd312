export { templateOperations } from "./template-operations.ts";
export { parameterValuesSchema, type TemplateBody } from "./template-schema.ts";
