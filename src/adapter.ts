// For authors of adapters: see docs/adapters.md.

export { exchangesOf } from "./sessions.ts";
export type { Exchanges, RequestWrapper } from "./exchange/exchanges.ts";
export type { Exchange } from "./exchange/exchange.ts";
export type { AccessListener, Committed, HandlerOutcome } from "./exchange/outcome.ts";
export { forbiddenResponse, toRequestLike, unavailableResponse, withHeaders } from "./exchange/fetch.ts";
export { plainForbidden, plainServerError, plainUnavailable } from "./http/default-responses.ts";
export type { PlainResponse } from "./http/default-responses.ts";
export { loginRedirect } from "./http/login-redirect.ts";
export type { LoginRedirect, LoginRedirectOptions } from "./http/login-redirect.ts";
export type { RequestLike } from "./http/request.ts";
export { applyHeaders } from "./http/response-headers.ts";
export type { HeaderTarget, ResponseHeaders } from "./http/response-headers.ts";
export { bufferResponse } from "./node/buffered-response.ts";
export type { BufferedResponse } from "./node/buffered-response.ts";
export { emitInContext, NodeRequestLike, sendPlain } from "./node/messages.ts";
export type { NodeRequest, NodeResponse } from "./node/messages.ts";
