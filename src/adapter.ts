// What the author of an adapter needs: see docs/adapters.md.

export { exchangesOf } from "./sessions.ts";
export type { Exchanges } from "./exchange/exchanges.ts";
export type { Exchange, HandlerEnd, Settled } from "./exchange/exchange.ts";
export { refusedResponse, toRequestLike, unavailableResponse, withHeaders } from "./exchange/fetch.ts";
export { loginDemand } from "./http/login-redirect.ts";
export type { LoginDemand, LoginDemandOptions } from "./http/login-redirect.ts";
export type { RequestLike } from "./http/request.ts";
export { applyHeaders } from "./http/response-headers.ts";
export type { HeaderTarget, ResponseHeaders } from "./http/response-headers.ts";
export { holdResponse } from "./node/buffered-response.ts";
export type { Hold } from "./node/buffered-response.ts";
export { emitWithin, NodeRequestLike, sendBare } from "./node/messages.ts";
export type { NodeRequest, NodeResponse } from "./node/messages.ts";
