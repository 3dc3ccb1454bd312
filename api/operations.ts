import { accessOperationList } from "./access/index.ts";
import { agentOperations } from "./agent/index.ts";
import { auditOperations } from "./audit/index.ts";
import { clusterOperations } from "./cluster/index.ts";
import { cmdbOperationList } from "./cmdb/index.ts";
import { estateOperationList } from "./estate/index.ts";
import { healthOperations } from "./health/index.ts";
import { instanceOperations } from "./instance/index.ts";
import { recoveryOperations } from "./recovery/index.ts";
import { freezeOperations, releaseOperations } from "./release/index.ts";
import { grantOperations } from "./privilege-grant/index.ts";
import { requestOperations } from "./request/index.ts";
import type { Operation } from "./http/operation.ts";
import { ipamOperations } from "./ipam/index.ts";
import { loginOperations } from "./login/index.ts";
import { packagedCommandOperations, sessionOperations } from "./session/index.ts";
import { templateOperations } from "./template/index.ts";
import { placementOperations } from "./placement/index.ts";
import { tokenOperations } from "./token/index.ts";
import { watchOperations } from "./watch/index.ts";

/** Every operation of the API. A feature adds its list here; the server refuses to start when one has no handler. */
export const operations: readonly Operation[] = [
  ...accessOperationList,
  ...agentOperations,
  ...auditOperations,
  ...clusterOperations,
  ...cmdbOperationList,
  ...estateOperationList,
  ...freezeOperations,
  ...grantOperations,
  ...healthOperations,
  ...instanceOperations,
  ...ipamOperations,
  ...loginOperations,
  ...Object.values(placementOperations),
  ...Object.values(recoveryOperations),
  ...releaseOperations,
  ...requestOperations,
  ...packagedCommandOperations,
  ...sessionOperations,
  ...templateOperations,
  ...tokenOperations,
  ...watchOperations,
];
