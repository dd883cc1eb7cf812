import { validateHeaderName, validateHeaderValue } from "node:http";
import { headersOf, joined, isStatus } from "./messages.ts";
import type { NodeResponse } from "./messages.ts";
import { applyHeaders, addsNothing } from "../http/response-headers.ts";
import type { HeaderTarget, ResponseHeaders } from "../http/response-headers.ts";

/** The arguments of writeHead: a status, an optional message, headers as an object or a list. */
export type WriteHeadArgs = readonly unknown[];

/**
 * The status in the arguments of writeHead, as Node converts it, or `undefined` if it is not valid. Over HTTP/2 it may
 * be left out, and the response itself refuses one that is not valid.
 *
 * @throws at once what Node would throw on sending this head.
 */
export function statusOfWriteHead(response: NodeResponse, head: WriteHeadArgs): number | undefined {
  const status = convertedStatus(response, head[0]);
  if (status !== undefined && head.length > 1) assertWriteHead(response, head);
  return status;
}

function convertedStatus(response: NodeResponse, given: unknown): number | undefined {
  const { stream } = response;
  if (stream === undefined) {
    const status = (given as number) | 0; // oxlint-disable-line no-unsafe-type-assertion
    return isStatus(status) ? status : undefined;
  }
  // Node ignores a head that comes too late.
  if (stream.destroyed || stream.closed === true) return undefined;
  const before = response.statusCode;
  if (given !== undefined) response.statusCode = given as number; // oxlint-disable-line no-unsafe-type-assertion
  const status = response.statusCode;
  response.statusCode = before;
  return status;
}

function assertWriteHead(response: NodeResponse, head: WriteHeadArgs): void {
  try {
    assertParts(response, head);
  } catch (error) {
    // Over HTTP/1, Node keeps the status and the message of a head that it refuses.
    if (response.stream === undefined) {
      response.statusCode = (head[0] as number) | 0; // oxlint-disable-line no-unsafe-type-assertion
      if (typeof head[1] === "string") response.statusMessage = head[1];
    }
    throw error;
  }
}

function assertParts(response: NodeResponse, head: WriteHeadArgs): void {
  const isHttp1 = response.stream === undefined;
  // HTTP/2 has no message.
  if (typeof head[1] === "string" && isHttp1) assertMessage(head[1]);
  if (!isHttp1 && (head[2] === undefined ? head[1] : head[2]) === null)
    throw new TypeError("Cannot convert undefined or null to object");
  const headers = headersIn(head);
  if (headers === undefined) return;
  // Over HTTP/1, if a header was set before, Node skips empty names and refuses a list of pairs.
  const isLate = isHttp1 && setsHeadersAtOnce(response);
  if (Array.isArray(headers)) {
    const isOfPairs = Array.isArray(headers[0]);
    const isOdd = (isLate || !isOfPairs) && headers.length % 2 !== 0;
    if (isOdd || (isLate && isOfPairs)) {
      const error = new TypeError("Node does not accept this list of names and values as headers.");
      throw Object.assign(error, { code: isOdd ? "ERR_INVALID_ARG_VALUE" : "ERR_INVALID_ARG_TYPE" });
    }
  }
  for (const [name, value] of pairsOf(headers)) {
    if (!isHttp1 && (value === undefined || value === null)) {
      const error = new TypeError(`The header ${name} has no value.`);
      throw Object.assign(error, { code: "ERR_HTTP2_INVALID_HEADER_VALUE" });
    }
    if (name !== "" || !isLate) assertHeader(name, value);
  }
}

/** @throws what Node throws for a status message that can't be sent. */
function assertMessage(message: string): void {
  // A message may have the characters of a header's value (RFC 9112 4).
  try {
    validateHeaderValue("status", message);
  } catch {
    const error = new TypeError("The status message has an invalid character.");
    throw Object.assign(error, { code: "ERR_INVALID_CHAR" });
  }
}

const tokenShape = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** RFC 9110 5.5. */
const beyondValue = /[^\t\x20-\x7e\x80-\xff]/;

function assertHeader(name: string, value: unknown): void {
  // Node's own checks take five times as long, so they see only what they will refuse.
  if (typeof value === "string" && tokenShape.test(name) && !beyondValue.test(value)) return;
  validateHeaderName(name);
  for (const one of Array.isArray(value) ? (value as unknown[]) : [value])
    validateHeaderValue(name, one as string); // oxlint-disable-line no-unsafe-type-assertion -- it checks that
}

/**
 * Sets a head's status and headers on the response, so that other headers can be merged with them.
 * @returns the arguments that are left for writeHead.
 */
export function applyWriteHead(response: NodeResponse, head: WriteHeadArgs): WriteHeadArgs {
  const [status, message] = head;
  if (typeof status === "number") response.statusCode = status;
  const headers = headersIn(head) ?? [];
  const pairs = [...pairsOf(headers)].filter(([name]) => name !== "");
  if (Array.isArray(headers)) {
    // A name may come several times in a list. Together they replace what was set before.
    for (const [name] of pairs) response.removeHeader(name);
    for (const [name, value] of pairs) {
      for (const one of [value].flat()) response.appendHeader(name, String(one));
    }
  } else for (const [name, value] of pairs) response.setHeader(name, value);
  return typeof message === "string" ? [status, message] : [status];
}

/** A head that waits. If Node would set its headers on the response at once, they are set here, too. */
export function waitingHead(response: NodeResponse, head: WriteHeadArgs): WriteHeadArgs {
  return setsHeadersAtOnce(response) ? applyWriteHead(response, head) : head;
}

/** Whether Node's `writeHead` sets its headers on the response, where they can be read, and does not only send them. */
function setsHeadersAtOnce(response: NodeResponse): boolean {
  return response.stream !== undefined || response.getHeaderNames().length > 0;
}

/** Applies a head that will not be sent, if Node would accept it. */
export function keepHeaders(response: NodeResponse, head: WriteHeadArgs): void {
  try {
    assertParts(response, head);
    applyWriteHead(response, head);
  } catch {
    // The handler got this error already, or an error response follows.
  }
}

/** Adds the session's headers to the arguments of writeHead. */
export function mergeHeaders(
  response: NodeResponse,
  head: WriteHeadArgs,
  headers: ResponseHeaders,
): WriteHeadArgs {
  if (addsNothing(headers)) return head;
  const own = headersIn(head);
  if (own === undefined || Array.isArray(own)) {
    const rest = applyWriteHead(response, head);
    applyHeaders(headersOf(response), headers);
    return rest;
  }
  // Node sends an object faster than headers that are set on the response.
  const record: Record<string, unknown> = { ...own };
  addHeadersTo(record, headers);
  const [status, message] = head;
  return typeof message === "string" ? [status, message, record] : [status, record];
}

/** Adds the session's headers to an object of headers. */
export function addHeadersTo(record: Record<string, unknown>, headers: ResponseHeaders): void {
  applyHeaders(new HeaderRecord(record), headers);
}

/** Headers in an object, however their names are spelled. */
class HeaderRecord implements HeaderTarget {
  readonly #headers: Record<string, unknown>;

  constructor(headers: Record<string, unknown>) {
    this.#headers = headers;
  }

  get(name: string): string | null {
    return joined(this.#current(name));
  }

  set(name: string, value: string): void {
    this.#headers[this.#spelling(name)] = value;
  }

  append(name: string, value: string): void {
    const current = this.#current(name);
    this.#headers[this.#spelling(name)] = current === undefined ? value : [current, value].flat();
  }

  #current(name: string): unknown {
    return this.#headers[this.#spelling(name)];
  }

  #spelling(name: string): string {
    if (name in this.#headers) return name;
    for (const own in this.#headers) if (own.length === name.length && own.toLowerCase() === name) return own;
    return name;
  }
}

function headersIn(head: WriteHeadArgs): object | undefined {
  const headers = typeof head[1] === "string" ? head[2] : (head[2] ?? head[1]);
  return typeof headers === "object" && headers !== null ? headers : undefined;
}

function* pairsOf(headers: object): Iterable<readonly [string, unknown]> {
  if (!Array.isArray(headers)) {
    yield* Object.entries(headers);
    return;
  }
  // A list of pairs, or of names and values in turn. A value may be a list as well.
  const flat: unknown[] = Array.isArray(headers[0]) ? headers.flat() : headers;
  for (let at = 0; at < flat.length; at += 2) yield [String(flat[at]), flat[at + 1]];
}
