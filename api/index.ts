export { createClient, type ActOptions, type CallInput, type CallResult, type Client } from "./http/client.ts";
export { errorCodesOf } from "./http/error-codes.ts";
export { openApiDocument } from "./http/open-api.ts";
export {
  defineOperation,
  type Operation,
  type OperationAnswer,
  type OperationBody,
  type OperationParams,
  type OperationPermission,
  type OperationQuery,
} from "./http/operation.ts";
export { ProblemError } from "./http/problem-error.ts";
export { requestHeaders } from "./http/request-headers.ts";
export { operations } from "./operations.ts";
export { problemCodes, type ProblemCode } from "./problem/problem-codes.ts";
export { problemSchema, type Problem, type ProblemDetail } from "./problem/problem-schema.ts";
