export { createDatabase, type Database } from "./database.ts";
export { transaction, type Transaction } from "./transaction.ts";
