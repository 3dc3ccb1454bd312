import { request } from "node:http";
import type { ReportAnswer } from "@wcs/api/ipam";
import type { ReportTiming, SendReport } from "../report/reporter.ts";

/** A test waits for reports: they come ten times as often as on a host. */
const reportTiming: ReportTiming = {
  gatherMs: 50,
  everyMs: 1_000,
  timeoutMs: 5_000,
  retryMs: { first: 100, longest: 500 },
};

/** Sends a host's reports over HTTP with a token: a test's host has no way to a server but a unix socket. */
export function sendBySocket(text: string): { sendReport: SendReport; reportTiming: ReportTiming } {
  const { socket, token, host } = JSON.parse(text) as { socket: string; token: string; host: string };
  const sendReport: SendReport = (report, signal) =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const path = `/api/v1/host-reports/${host}`;
      const call = request({ socketPath: socket, path, method: "POST", headers, signal }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const body = Buffer.concat(chunks).toString();
          if (response.statusCode === 200) resolve(JSON.parse(body) as ReportAnswer);
          else reject(new Error(`the server answered ${response.statusCode}: ${body}`));
        });
      });
      call.on("error", reject);
      call.end(JSON.stringify(report));
    });
  return { sendReport, reportTiming };
}
