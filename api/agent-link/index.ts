export { keepAlive, usualKeepAlive, type KeepAlive } from "./keep-alive.ts";
export { LinkError, type LinkErrorCode } from "./link-error.ts";
export { defineCall, defineStream, type LinkAnswer, type LinkMethod, type LinkRequest } from "./link-method.ts";
export {
  agentJoin,
  agentRenew,
  formatJoinToken,
  hostReport,
  linkHello,
  linkProtocol,
  linkServerName,
  parseJoinToken,
  proofText,
  uplinkProtocol,
  type JoinToken,
} from "./link-methods.ts";
export { createLinkPeer, type LinkPeer, type LinkStream, type LinkWait } from "./link-peer.ts";
export { onCall, onStream, serveLink, type LinkCall, type LinkHandler } from "./serve-link.ts";
export {
  frameTypes,
  mostFrameBytes,
  readFrames,
  writeFrame,
  type FrameType,
  type SessionExit,
  type SessionFrame,
} from "./session-frame.ts";
export { cageSchema, sessionExec, sessionLogs } from "./session-methods.ts";
