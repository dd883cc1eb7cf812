import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import * as fc from "fast-check";
import { testSite } from "./test-site.ts";
import type { TestSite } from "./test-site.ts";

const PATHS = [
  "/",
  "/login",
  "/user",
  "/session_set",
  "/static/site.css",
  "/static/nope.css",
  "/favicon.ico",
  "/health",
  "/nowhere",
];

/** Sends bytes, then hangs up its own half; returns what came back, all of it. */
async function raw(site: TestSite, bytes: string): Promise<string> {
  const socket = connect({ port: Number(new URL(site.url).port), host: "127.0.0.1", allowHalfOpen: true });
  socket.end(bytes, "latin1");
  let text = "";
  try {
    for await (const piece of socket) text += (piece as Buffer).toString("latin1");
  } catch {
    // The server may hang up on what is no HTTP while we still send.
  }
  return text;
}

function statusOf(text: string): number | undefined {
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1];
  return status === undefined ? undefined : Number(status);
}

const head = "Host: localhost\r\nConnection: close\r\n";

async function ask(site: TestSite, line: string, headers = "", body = ""): Promise<string> {
  return raw(site, `${line} HTTP/1.1\r\n${head}${headers}\r\n${body}`);
}

test("what is not there is 404, what cannot be done with what is there 405 with Allow", async (t) => {
  const site = await testSite(t);
  for (const [line, status, allow] of [
    ["GET /static/nope.css", 404, undefined],
    ["GET /static/constructor", 404, undefined],
    ["GET /static/%2e%2e/", 200, undefined],
    ["GET /static/%2e%2e%2fpackage.json", 404, undefined],
    ["GET /static/../package.json", 404, undefined],
    ["GET /%", 404, undefined],
    ["GET /%00", 404, undefined],
    ["POST /nowhere", 404, undefined],
    ["OPTIONS /nowhere", 404, undefined],
    ["POST /inside", 405, "GET, HEAD, OPTIONS"],
    ["PUT /login", 405, "GET, HEAD, POST, OPTIONS"],
    ["DELETE /devices", 405, "GET, HEAD, POST, OPTIONS"],
    ["POST /static/site.css", 405, "GET, HEAD, OPTIONS"],
    ["POST /static/nope.css", 404, undefined],
    ["POST /health", 405, "GET, HEAD, OPTIONS"],
    ["OPTIONS /user", 204, "GET, HEAD, POST, OPTIONS"],
    ["OPTIONS /static/site.css", 204, "GET, HEAD, OPTIONS"],
    ["HEAD /static/site.css", 200, undefined],
    ["HEAD /nowhere", 404, undefined],
  ] as const) {
    const text = await ask(site, line);
    assert.equal(statusOf(text), status, line);
    assert.equal(/^allow: (.*)\r$/im.exec(text)?.[1], allow, line);
    if (line.startsWith("HEAD")) assert.equal(text.split("\r\n\r\n")[1], "", line);
  }
  assert.deepEqual(site.reported, []);
});

test("a stylesheet that a browser has already is not sent again; a part of it is not sent alone", async (t) => {
  const site = await testSite(t);
  const whole = await ask(site, "GET /static/site.css");
  const tag = /^etag: (.*)\r$/im.exec(whole)?.[1] ?? "";
  assert.match(tag, /^"[\w-]+"$/);
  for (const header of [tag, `W/${tag}`, `"x", ${tag}`, "*"]) {
    const text = await ask(site, "GET /static/site.css", `If-None-Match: ${header}\r\n`);
    assert.equal(statusOf(text), 304, header);
    assert.equal(text.split("\r\n\r\n")[1], "");
  }
  for (const header of ['If-None-Match: "x"', "Range: bytes=0-1", "Range: bytes=9-1", "If-Match: x"]) {
    const text = await ask(site, "GET /static/site.css", `${header}\r\n`);
    assert.equal(statusOf(text), 200, header);
    assert.ok(text.length >= whole.length - 50, header);
  }
});

test("a visitor who goes away in the middle of a form leaves nothing in the log", async (t) => {
  const site = await testSite(t);
  const type = "Content-Type: application/x-www-form-urlencoded\r\n";
  for (const path of ["/login", "/user", "/flash", "/nowhere"]) {
    await ask(site, `POST ${path}`, `${type}Content-Length: 100\r\n`, "name=");
    await ask(site, `POST ${path}`, `${type}Transfer-Encoding: chunked\r\n`, "5\r\nna");
  }
  assert.deepEqual(site.reported, []);
});

test("whatever comes over the wire, the answer is no 500, and the log stays empty", async (t) => {
  const site = await testSite(t);
  const logged: unknown[] = [];
  t.mock.method(console, "error", (...args: unknown[]) => logged.push(args));
  const token = fc.constantFrom(
    ..."GET HEAD POST PUT PATCH DELETE OPTIONS TRACE CONNECT PROPFIND get FOO".split(" "),
  );
  const piece = fc.oneof(
    fc.constantFrom(
      "%",
      "%00",
      "%ff",
      "%2e%2e",
      "%2f",
      "..",
      ".",
      "//",
      "/",
      "\\",
      "?",
      "#",
      ";",
      "@",
      ":",
      "*",
    ),
    fc.constantFrom(
      "static",
      "site.css",
      "__proto__",
      "constructor",
      "login",
      "user",
      "é",
      "\x7f",
      "return=",
    ),
    fc.constantFrom("kept=", "notice=", "failed=", "cookies=missing", "&"),
    fc.string({ maxLength: 5 }).map((text) => text.replace(/[\0-\x20]/g, "")),
  );
  const target = fc.oneof(
    fc.constantFrom(...PATHS),
    fc.array(piece, { maxLength: 6 }).map((pieces) => `/${pieces.join("")}`),
    fc
      .tuple(fc.constantFrom(...PATHS), fc.array(piece, { maxLength: 4 }))
      .map(([path, pieces]) => path + pieces.join("")),
    fc.array(piece, { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join("")),
    fc.constant(`/${"a".repeat(20_000)}`),
  );
  const value = fc.oneof(
    fc.constantFrom(
      "",
      "x",
      "0",
      "-1",
      "5",
      "99999999999999999999",
      "*",
      '"x"',
      "bytes=0-1",
      "bytes=9-",
      "null",
    ),
    fc.constantFrom(
      "chunked",
      "gzip",
      "application/x-www-form-urlencoded",
      "text/plain",
      "http://[",
      "é",
      ";;=,",
    ),
    fc.constantFrom(
      "a b",
      "[::1",
      "localhost:99999",
      "a@b",
      "evil.example",
      "100-continue",
      "websocket",
      "image",
    ),
  );
  const header = fc
    .tuple(
      fc.constantFrom(
        ..."Host Content-Type Content-Length Transfer-Encoding Content-Encoding Expect Range If-None-Match".split(
          " ",
        ),
        ..."If-Modified-Since Cookie Origin Referer Accept Upgrade Sec-Fetch-Dest X-Forwarded-Proto".split(
          " ",
        ),
      ),
      value,
    )
    .map(([name, text]) => `${name}: ${text}\r\n`);
  const body = fc.constantFrom(
    "",
    "name=leo&password=1234",
    "name=%ff&name=%",
    "5\r\nhello\r\n0\r\n\r\n",
    "zz\r\n",
    "x".repeat(40_000),
  );
  await fc.assert(
    fc.asyncProperty(
      token,
      target,
      fc.array(header, { maxLength: 4 }),
      body,
      async (method, path, headers, sent) => {
        const text = await ask(site, `${method} ${path}`, headers.join(""), sent);
        const status = statusOf(text);
        // Node itself hangs up on CONNECT and on what is no HTTP.
        if (status !== undefined) assert.ok(status < 500, `${status}`);
        assert.doesNotMatch(text, /\n\s+at .*:\d+:\d+/);
        assert.deepEqual([site.reported, logged], [[], []]);
      },
    ),
    { numRuns: 1_000 },
  );
});
