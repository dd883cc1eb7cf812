export { adapterContract } from "./testing/adapter-contract.ts";
export type { AdapterClause } from "./testing/adapter-site.ts";
export { sendSecureCookies } from "./testing/agent.ts";
export type { CookieAgent } from "./testing/agent.ts";
export { testClock } from "./testing/clock.ts";
export type { TestClock } from "./testing/clock.ts";
export { CookieJar } from "./testing/cookie-jar.ts";
export type {
  AdapterSetting,
  StartServer,
  TestAnswer,
  TestData,
  TestRoute,
  TestServer,
} from "./testing/harness.ts";
export { exploreInterleavings, pause } from "./testing/interleavings.ts";
export type { World } from "./testing/interleavings.ts";
export type { RaceSetting } from "./testing/race-site.ts";
export { races } from "./testing/races.ts";
export type { Race } from "./testing/races.ts";
export { sessionOf } from "./testing/session-of.ts";
export type { CookieSource, KeptSession } from "./testing/session-of.ts";
export { SignedIn, signIn } from "./testing/sign-in.ts";
export type { SignInOptions, StoredCookie } from "./testing/sign-in.ts";
export { probeStore } from "./testing/store-probe.ts";
export type { ProbedCall, StoreProbe } from "./testing/store-probe.ts";
export type { StoreClause } from "./testing/store-clause.ts";
export { storeContract } from "./testing/store-contract.ts";
