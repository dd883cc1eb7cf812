import { validateHeaderName, validateHeaderValue } from "node:http";
import { headersOf, joined } from "./node-message.ts";
import type { NodeResponse } from "./node-message.ts";
import { applyHeaders, isUntouched } from "./response-headers.ts";
import type { HeaderTarget, ResponseHeaders } from "./response-headers.ts";

/** What writeHead was given: a status, a message perhaps, headers as an object or a list. */
export type Head = readonly unknown[];

/** Whether Node takes this status; for others it has an error of its own. */
export function isStatus(status: number): boolean {
  return status >= 100 && status <= 999;
}

/** @throws at once what Node throws when it sends a head with headers that are none. */
export function checkHead(head: Head): void {
  const headers = headersIn(head);
  if (headers === undefined) return;
  if (Array.isArray(headers)) for (const [name, value] of pairsOf(headers)) checkHeader(name, value);
  else for (const name of Object.keys(headers)) checkHeader(name, Reflect.get(headers, name));
}

function checkHeader(name: string, value: unknown): void {
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
  if (Array.isArray(headers)) {
    // A name may come several times in a list, and then takes the place of what was set before.
    for (const [name] of pairsOf(headers)) response.removeHeader(name);
    for (const [name, value] of pairsOf(headers)) response.appendHeader(name, String(value));
  } else for (const [name, value] of pairsOf(headers)) response.setHeader(name, value);
  return typeof message === "string" ? [status, message] : [status];
}

/** The same for a head that will not be sent, as far as Node would take it. */
export function keepHeaders(response: NodeResponse, head: Head): void {
  try {
    checkHead(head);
    takeHead(response, head);
  } catch {
    // The handler has been told, or will be answered for by an error's page.
  }
}

/** A head with what the session makes a response carry, to be given to writeHead. */
export function headWith(response: NodeResponse, head: Head, headers: ResponseHeaders): Head {
  if (isUntouched(headers)) return head;
  const open = OpenHead.of(response, head);
  const rest = open === undefined ? takeHead(response, head) : open.args;
  applyHeaders(open ?? headersOf(response), headers);
  return rest;
}

/**
 * A head to which headers can be added, its headers being an object. Node sends such a head without
 * sorting its headers into the response's own, which takes it less time.
 */
class OpenHead implements HeaderTarget {
  readonly #response: NodeResponse;
  readonly #head: Head;
  readonly #headers: Record<string, unknown>;

  /** @returns `undefined` for a head that has none, or a list of them: see {@link takeHead}. */
  static of(response: NodeResponse, head: Head): OpenHead | undefined {
    const headers = headersIn(head);
    return headers === undefined || Array.isArray(headers)
      ? undefined
      : new OpenHead(response, head, { ...headers });
  }

  private constructor(response: NodeResponse, head: Head, headers: Record<string, unknown>) {
    this.#response = response;
    this.#head = head;
    this.#headers = headers;
  }

  /** What to give to writeHead, with whatever is added here. */
  get args(): Head {
    const [status, message] = this.#head;
    return typeof message === "string" ? [status, message, this.#headers] : [status, this.#headers];
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

  /** What the head says, or else what was set before. */
  #held(name: string): unknown {
    return this.#headers[this.#spelling(name)] ?? this.#response.getHeader(name);
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
  const flat: unknown[] = headers.flat();
  for (let at = 0; at < flat.length; at += 2) yield [String(flat[at]), flat[at + 1]];
}
