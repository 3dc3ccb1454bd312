import type { tokenOperations } from "@wcs/api/token";
import { ProblemError } from "@wcs/api/http";
import { operationOnWire } from "@wcs/api/wire";
import { keepLogin } from "../login/keep-login.ts";
import type { Command } from "../program/command.ts";
import { findConnection } from "../program/connection.ts";
import { exitCodes } from "../program/exit-codes.ts";

const revoke = operationOnWire<(typeof tokenOperations)[2]>("tokens.revoke");

export const logout: Command = {
  usage: "",
  options: {},
  examples: [],
  run: async ({ client, options, env, act, output }) => {
    const { server, token } = findConnection(options, env);
    const id = token?.split("_")[1];
    if (id !== undefined) {
      try {
        await (await client()).call(revoke, { params: { id }, query: {}, ...act() });
      } catch (error) {
        // A token that the server does not know any more is logged out already.
        if (!(error instanceof ProblemError) || error.problem.status !== 401) throw error;
      }
    }
    keepLogin(env, server, null);
    output.say({ en: `logged out of ${server}`, zh: `已退出 ${server}` });
    return exitCodes.ok;
  },
};
