import { validateHeaderName, validateHeaderValue } from "node:http";
import { headersOf, joined } from "./node-message.ts";
import type { NodeResponse } from "./node-message.ts";
import { applyHeaders, isUntouched } from "./response-headers.ts";
import type { HeaderTarget, ResponseHeaders } from "./response-headers.ts";

/** What writeHead was given: a status, a message perhaps, headers as an object or a list. */
export type Head = readonly unknown[];

/** Whether there is anything to hold of a response: not where its stream was answered past it, nor for an error of Node's own. */
export function canBeHeld(response: NodeResponse): boolean {
  return isStatus(response.statusCode) && !(response.stream !== undefined && response.headersSent);
}

/** Whether Node takes this status; for others it has an error of its own. */
function isStatus(status: number): boolean {
  return status >= 100 && status <= 999;
}

/**
 * The status that writeHead is given, as Node converts it; `undefined` for what is none. Over HTTP/2 it may be left
 * out, and the response itself refuses what is none.
 *
 * @throws at once what Node throws when it sends a head with headers that are none.
 */
export function statusGiven(response: NodeResponse, head: Head): number | undefined {
  const status = convertedStatus(response, head[0]);
  if (status !== undefined && head.length > 1) checkHead(response, head);
  return status;
}

function convertedStatus(response: NodeResponse, given: unknown): number | undefined {
  const { stream } = response;
  if (stream === undefined) {
    const status = (given as number) | 0; // oxlint-disable-line no-unsafe-type-assertion
    return isStatus(status) ? status : undefined;
  }
  // Node overlooks a head that comes too late.
  if (stream.destroyed || stream.closed === true) return undefined;
  const before = response.statusCode;
  if (given !== undefined) response.statusCode = given as number; // oxlint-disable-line no-unsafe-type-assertion
  const status = response.statusCode;
  response.statusCode = before;
  return status;
}

function checkHead(response: NodeResponse, head: Head): void {
  try {
    checkParts(response, head);
  } catch (error) {
    // Over HTTP/1 Node keeps the status of a head that it refuses, and the message.
    if (response.stream === undefined) {
      response.statusCode = (head[0] as number) | 0; // oxlint-disable-line no-unsafe-type-assertion
      if (typeof head[1] === "string") response.statusMessage = head[1];
    }
    throw error;
  }
}

function checkParts(response: NodeResponse, head: Head): void {
  const isHttp1 = response.stream === undefined;
  // HTTP/2 has no message.
  if (typeof head[1] === "string" && isHttp1) checkMessage(head[1]);
  if (!isHttp1 && (head[2] === undefined ? head[1] : head[2]) === null)
    throw new TypeError("Cannot convert undefined or null to object");
  const headers = headersIn(head);
  if (headers === undefined) return;
  // Over HTTP/1, where a header was set before, Node skips empty names, and takes no list of pairs.
  const isLate = isHttp1 && isLaid(response);
  if (Array.isArray(headers)) {
    const isOfPairs = Array.isArray(headers[0]);
    const isOdd = (isLate || !isOfPairs) && headers.length % 2 !== 0;
    if (isOdd || (isLate && isOfPairs)) {
      const error = new TypeError("The headers are no list of names and values that Node takes.");
      throw Object.assign(error, { code: isOdd ? "ERR_INVALID_ARG_VALUE" : "ERR_INVALID_ARG_TYPE" });
    }
  }
  for (const [name, value] of pairsOf(headers)) {
    if (!isHttp1 && (value === undefined || value === null)) {
      const error = new TypeError(`The header ${name} has no value.`);
      throw Object.assign(error, { code: "ERR_HTTP2_INVALID_HEADER_VALUE" });
    }
    if (name !== "" || !isLate) checkHeader(name, value);
  }
}

/** @throws what Node throws for a status message that can't be sent. */
function checkMessage(message: string): void {
  // What may be in a header's value may be in the message, too (RFC 9112 4).
  try {
    validateHeaderValue("status", message);
  } catch {
    const error = new TypeError("The status message has a character that can't be sent.");
    throw Object.assign(error, { code: "ERR_INVALID_CHAR" });
  }
}

const tokenShape = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** RFC 9110 5.5. */
const beyondValue = /[^\t\x20-\x7e\x80-\xff]/;

function checkHeader(name: string, value: unknown): void {
  // Node's own checks take five times as long, so they only look at what they will complain of.
  if (typeof value === "string" && tokenShape.test(name) && !beyondValue.test(value)) return;
  validateHeaderName(name);
  for (const one of Array.isArray(value) ? (value as unknown[]) : [value])
    validateHeaderValue(name, one as string); // oxlint-disable-line no-unsafe-type-assertion -- it checks that
}

/**
 * Does with a head what Node would do (status, headers), so that other headers can be merged with it.
 * @returns what is left to give to writeHead.
 */
export function takeHead(response: NodeResponse, head: Head): Head {
  const [status, message] = head;
  if (typeof status === "number") response.statusCode = status;
  const headers = headersIn(head) ?? [];
  const pairs = [...pairsOf(headers)].filter(([name]) => name !== "");
  if (Array.isArray(headers)) {
    // A name may come several times in a list, and then takes the place of what was set before.
    for (const [name] of pairs) response.removeHeader(name);
    for (const [name, value] of pairs) {
      for (const one of [value].flat()) response.appendHeader(name, String(one));
    }
  } else for (const [name, value] of pairs) response.setHeader(name, value);
  return typeof message === "string" ? [status, message] : [status];
}

/**
 * A head that waits. Where Node lays its headers into the response's own at once they can be asked for, and are laid
 * into them here, too.
 */
export function waitingHead(response: NodeResponse, head: Head): Head {
  return isLaid(response) ? takeHead(response, head) : head;
}

function isLaid(response: NodeResponse): boolean {
  return response.stream !== undefined || response.getHeaderNames().length > 0;
}

/** The same for a head that will not be sent, as far as Node would take it. */
export function keepHeaders(response: NodeResponse, head: Head): void {
  try {
    checkParts(response, head);
    takeHead(response, head);
  } catch {
    // The handler has been told, or will be answered for by an error's page.
  }
}

/** A head with what the session makes a response carry, to be given to writeHead. */
export function headWith(response: NodeResponse, head: Head, headers: ResponseHeaders): Head {
  if (isUntouched(headers)) return head;
  const own = headersIn(head);
  if (own === undefined || Array.isArray(own)) {
    const rest = takeHead(response, head);
    applyHeaders(headersOf(response), headers);
    return rest;
  }
  // Node sends a head with an object without sorting that into the response's own headers, which takes it less time.
  const record: Record<string, unknown> = { ...own };
  applyHeaders(new HeaderRecord(record, response), headers);
  const [status, message] = head;
  return typeof message === "string" ? [status, message, record] : [status, record];
}

/** Adds what the session makes a response carry to headers in an object. */
export function addToRecord(record: Record<string, unknown>, headers: ResponseHeaders): void {
  applyHeaders(new HeaderRecord(record, undefined), headers);
}

/** Headers in an object, however their names are spelled. */
class HeaderRecord implements HeaderTarget {
  readonly #headers: Record<string, unknown>;
  readonly #response: NodeResponse | undefined;

  /** @param response whose headers count where the object has none. */
  constructor(headers: Record<string, unknown>, response: NodeResponse | undefined) {
    this.#headers = headers;
    this.#response = response;
  }

  get(name: string): string | null {
    return joined(this.#held(name));
  }

  set(name: string, value: string): void {
    this.#headers[this.#spelling(name)] = value;
  }

  append(name: string, value: string): void {
    const held = this.#held(name);
    this.#headers[this.#spelling(name)] = held === undefined ? value : [held, value].flat();
  }

  #held(name: string): unknown {
    return this.#headers[this.#spelling(name)] ?? this.#response?.getHeader(name);
  }

  #spelling(name: string): string {
    if (name in this.#headers) return name;
    for (const own in this.#headers) if (own.length === name.length && own.toLowerCase() === name) return own;
    return name;
  }
}

function headersIn(head: Head): object | undefined {
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
