export { chainHash, chainStart, verifyChain, type ChainFault, type ChainHead, type ChainRow } from "./audit-chain.ts";
