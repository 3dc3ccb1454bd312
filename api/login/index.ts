export { loginOperations } from "./login-operations.ts";
