export { findKubeBinary } from "./binaries.ts";
export { startControlPlane, type ControlPlane } from "./control-plane.ts";
export { createAuthority, type Authority, type CertificateOrder, type KeyPair } from "./pki.ts";
export { startRelay, type Relay } from "./relay.ts";
export { startLoopbackServer, type LoopbackServer } from "./loopback-server.ts";
