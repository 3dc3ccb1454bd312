import type { ProblemCode } from "@wcs/api";
import { KubeError, KubeconfigError } from "@wcs/kube";
import { Failure } from "../http/failure.ts";
import type { Trouble } from "./cluster-store.ts";

function codeOf(error: KubeError): ProblemCode {
  switch (error.reason) {
    case "unauthenticated":
    case "forbidden":
    case "client-certificate-expired":
    case "client-certificate-rejected":
      return "cluster.not-allowed";
    case "invalid":
    case "bad-request":
    case "apply-conflict":
      return "cluster.unsupported";
    default:
      return "cluster.unreachable";
  }
}

/** What a caller is told when talking to a cluster failed; any other error is passed on. */
export function clusterFailure(error: unknown): unknown {
  if (error instanceof KubeconfigError) {
    return new Failure("cluster.kubeconfig-invalid", error.message, {
      errors: [
        {
          pointer: error.field,
          ...(error.line === null ? {} : { line: error.line }),
          message: error.message,
        },
      ],
      cause: error,
    });
  }
  if (error instanceof KubeError) {
    return new Failure(codeOf(error), [error.message, error.advice].filter((text) => text !== "").join(". "), {
      errors: [{ code: error.reason, message: error.message }],
      cause: error,
    });
  }
  return error;
}

/** The same, as a fact that is stored and shown. */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof KubeError) return { reason: error.reason, message: error.message, advice: error.advice };
  return { reason: "server-failed", message: String(error), advice: "Report it: the server's log has more." };
}
