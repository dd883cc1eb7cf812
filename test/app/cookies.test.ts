import assert from "node:assert/strict";
import { test } from "node:test";
import { testSite } from "./test-site.ts";

const seen = (body: string, kind: string): string =>
  new RegExp(`id="cookie-${kind}">([^]*?)</dd>`)
    .exec(body)?.[1]
    ?.replace(/<[^>]*>/g, "")
    .trim() ?? "";

test("scenario 16: /cookie_set sets a plain cookie on the response", async (t) => {
  const visitor = (await testSite(t)).visitor();
  const answer = await visitor.post("/cookie_set", { value: "oat & <raisin>; very good" });
  assert.equal(answer.status, 303);
  assert.ok(answer.headers.getSetCookie().some((line) => line.startsWith("plain=")));
  assert.ok(visitor.jar.has("plain") && visitor.jar.has("signed") && visitor.jar.has("sealed"));
});

test("scenario 17: /cookies_get shows the values, or says that there are none", async (t) => {
  const visitor = (await testSite(t)).visitor();
  const before = await visitor.get("/cookies_get");
  assert.equal(seen(before.body, "plain"), "There is no cookie named plain.");
  await visitor.post("/cookie_set", { value: "oat & <raisin>" });
  const { body } = await visitor.get("/cookies_get");
  for (const kind of ["plain", "signed", "sealed"])
    assert.equal(seen(body, kind), "oat &amp; &lt;raisin&gt;");
});

test("scenario 17: an edited plain cookie is shown as edited, signed and sealed ones are refused", async (t) => {
  const visitor = (await testSite(t)).visitor();
  await visitor.post("/cookie_set", { value: "chocolate" });
  visitor.jar.set("plain", { value: "vanilla%zz", ends: false });
  for (const kind of ["signed", "sealed"]) {
    const { value = "" } = visitor.jar.get(kind) ?? {};
    visitor.jar.set(kind, { value: (value[0] === "A" ? "B" : "A") + value.slice(1), ends: false });
  }
  const { body } = await visitor.get("/cookies_get");
  assert.equal(seen(body, "plain"), "vanilla%zz");
  assert.match(seen(body, "signed"), /^refused/);
  assert.match(seen(body, "sealed"), /^refused/);
});

test("scenario 18: /cookies_delete takes the cookies out of the browser", async (t) => {
  const visitor = (await testSite(t)).visitor();
  await visitor.post("/cookie_set", { value: "chocolate" });
  const page = await visitor.submit("/cookies_delete");
  assert.equal(page.messages[0]?.category, "success");
  for (const kind of ["plain", "signed", "sealed"]) {
    assert.ok(!visitor.jar.has(kind), kind);
    assert.match(seen(page.body, kind), /no cookie named/);
  }
});

test("opening any page changes nothing: no cookie is set by GET", async (t) => {
  const visitor = (await testSite(t)).visitor();
  const paths = ["/", "/login", "/signup", "/inside", "/session_set", "/session_get", "/session_delete"];
  for (const path of [
    ...paths,
    "/counter",
    "/flash",
    "/cookie_set",
    "/cookies_get",
    "/cookies_delete",
    "/health",
  ]) {
    const answer = await visitor.get(path);
    assert.equal(answer.status, 200, path);
    assert.deepEqual(answer.headers.getSetCookie(), [], path);
  }
});
