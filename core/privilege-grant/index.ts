export {
  grantableCapabilities,
  grantEffect,
  grantProblems,
  grantRefusal,
  longestGrantMinutes,
  type GrantEffect,
  type GrantWish,
  type SealedGrant,
} from "./privilege-grant.ts";
