import { CookieJar } from "coatcheck/testing";

/** What a visitor sees of a response. */
export interface Seen {
  readonly status: number;
  readonly text: string;
  /** The Set-Cookie headers. */
  readonly cookies: readonly string[];
}

/** What a function gets for a request. */
export type Invoke = (request: Sent) => Promise<Seen>;

/** A request of a visitor. */
interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The cookies, each `name=value`. */
  readonly cookies: readonly string[];
  readonly body: string | undefined;
}

const host = "abc123.execute-api.eu-central-1.amazonaws.com";

/** An event of API Gateway's payload format 2.0, which function URLs have, too, with every part that AWS documents. */
export function eventV2({ method, path, headers, cookies, body }: Sent): object {
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: path,
    rawQueryString: "",
    ...(cookies.length > 0 && { cookies }),
    headers: { ...headers, host, "x-forwarded-proto": "https", "x-forwarded-port": "443" },
    requestContext: {
      accountId: "123456789012",
      apiId: "abc123",
      domainName: host,
      domainPrefix: "abc123",
      http: {
        method,
        path,
        protocol: "HTTP/1.1",
        sourceIp: "192.0.2.1",
        userAgent: headers["user-agent"] ?? "",
      },
      requestId: "JKJaXmPLvHcESHA=",
      routeKey: "$default",
      stage: "$default",
      time: "10/Mar/2026:05:16:23 +0000",
      timeEpoch: 1_773_119_783_636,
    },
    // API Gateway encodes the bodies of forms.
    ...(body !== undefined && { body: Buffer.from(body).toString("base64") }),
    isBase64Encoded: body !== undefined,
  };
}

/** An event of API Gateway's payload format 1.0, which REST APIs have. */
export function eventV1({ method, path, headers, cookies, body }: Sent): object {
  const all: Record<string, string> = { ...headers, Host: host, "X-Forwarded-Proto": "https" };
  if (cookies.length > 0) all["Cookie"] = cookies.join("; ");
  return {
    version: "1.0",
    resource: "/{proxy+}",
    path,
    httpMethod: method,
    headers: all,
    multiValueHeaders: Object.fromEntries(Object.entries(all).map(([name, value]) => [name, [value]])),
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    pathParameters: { proxy: path.slice(1) },
    stageVariables: null,
    requestContext: {
      accountId: "123456789012",
      apiId: "abc123",
      domainName: host,
      httpMethod: method,
      identity: { sourceIp: "192.0.2.1", userAgent: headers["user-agent"] ?? "" },
      path,
      protocol: "HTTP/1.1",
      requestId: "JKJaXmPLvHcESHA=",
      resourcePath: "/{proxy+}",
      stage: "prod",
    },
    body: body ?? null,
    isBase64Encoded: false,
  };
}

/** What API Gateway makes of a result in the format 2.0. */
export function seenV2(result: unknown): Seen {
  const { statusCode, body, cookies = [], headers, isBase64Encoded } = Object(result);
  if ("set-cookie" in headers) throw new Error("API Gateway would join these");
  return { status: statusCode, text: textOf(body, isBase64Encoded), cookies };
}

/** What API Gateway makes of a result in the format 1.0. */
export function seenV1(result: unknown): Seen {
  const { statusCode, body, multiValueHeaders, isBase64Encoded } = Object(result);
  const cookies = multiValueHeaders["set-cookie"] ?? [];
  return { status: statusCode, text: textOf(body, isBase64Encoded), cookies };
}

function textOf(body: string, isBase64Encoded: boolean): string {
  return isBase64Encoded ? Buffer.from(body, "base64").toString() : body;
}

/** A handler of `fetch`, as Vercel and Netlify call it. */
export function fetched(handler: (request: Request) => Promise<Response> | Response): Invoke {
  return async ({ method, path, headers, cookies, body }) => {
    const own = { ...headers, ...(cookies.length > 0 && { cookie: cookies.join("; ") }) };
    const init = { method, headers: own, ...(body !== undefined && { body }) };
    const response = await handler(new Request(`https://shop.example${path}`, init));
    const text = await response.text();
    return { status: response.status, text, cookies: response.headers.getSetCookie() };
  };
}

/** A visitor with a browser's cookies. */
export class Visitor {
  readonly jar = new CookieJar();
  readonly #invoke: Invoke;
  readonly #origin: string;

  constructor(invoke: Invoke, origin: string) {
    this.#invoke = invoke;
    this.#origin = origin;
  }

  async get(path = "/"): Promise<Seen> {
    return this.#send({ method: "GET", path, headers: {}, body: undefined });
  }

  async post(
    path: string,
    form: Readonly<Record<string, string>> = {},
    origin = this.#origin,
  ): Promise<Seen> {
    const headers = { "content-type": "application/x-www-form-urlencoded", origin };
    return this.#send({ method: "POST", path, headers, body: String(new URLSearchParams(form)) });
  }

  async #send(request: Omit<Sent, "cookies">): Promise<Seen> {
    const cookies = this.jar.header?.split("; ") ?? [];
    const agent = { ...request.headers, "user-agent": "Mozilla/5.0" };
    const seen = await this.#invoke({ ...request, headers: agent, cookies });
    this.jar.take(seen.cookies);
    return seen;
  }
}

/** The origin of the site on Lambda. */
export const lambdaOrigin = `https://${host}`;
