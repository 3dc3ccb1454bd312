import { problemCodes } from "./problem-codes.ts";

/** docs/errors.md: every stable code on one page. */
export function errorsPage(): string {
  const rows = Object.entries(problemCodes).map(
    ([code, { status, title, titleZh, remedy }]) => `| \`${code}\` | ${status} | ${title} | ${titleZh} | ${remedy} |`,
  );
  return [
    "# Error codes",
    "",
    "Every answer that is not a success is a problem document (RFC 9457) with one of these codes. `detail` says what was wrong this",
    "time, `errors` each fault with its place, and `instance` is the request's id, which the server's log has as well.",
    "",
    "| code | status | meaning | 含义 | what to do |",
    "|---|---|---|---|---|",
    ...rows,
    "",
    "This page is made from `api/problem/problem-codes.ts` by `node api/problem/write-errors-page.ts`; a test holds the two together.",
    "",
  ].join("\n");
}
