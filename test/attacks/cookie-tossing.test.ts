import assert from "node:assert/strict";
import { test } from "node:test";
import { collectEvents } from "../support/events.ts";
import { receivedCookies } from "../support/received-cookies.ts";
import { home, Site, testEverywhere } from "../support/site.ts";

const name = "__Host-Http-session";

testEverywhere("[18] a stray cookie beside the real one changes nothing, in either order", async (site) => {
  const visitor = site.visitor();
  await visitor.login("leo");
  const real = `${name}=${visitor.ticket}`;
  const forged = `${name}=${visitor.ticket?.replace(/.{22}$/, "A".repeat(22))}`;
  for (const stray of [`${name}=x`, `${name}=`, forged, real]) {
    for (const cookie of [`${stray}; ${real}`, `${real}; ${stray}`, `${stray}; ${real}; ${stray}`]) {
      assert.equal(await visitor.subject({ cookie }), "leo", cookie);
      assert.deepEqual(visitor.last.headers.getSetCookie(), []);
    }
  }
});

testEverywhere(
  "[18] two tickets that are both ours are refused and reported, in both orders",
  async (site, t) => {
    const [leo, mallory] = [site.visitor(), site.visitor()];
    await leo.login("leo");
    await mallory.login("mallory");
    const [mine, theirs] = [`${name}=${leo.ticket}`, `${name}=${mallory.ticket}`];
    const events = collectEvents(t);
    site.probe.calls.length = 0;
    for (const cookie of [`${mine}; ${theirs}`, `${theirs}; ${mine}`]) {
      await leo.with(
        (session) => {
          assert.equal(session.subject, undefined);
          assert.deepEqual(session.rejection, { reason: "ambiguous" });
        },
        { cookie },
      );
    }
    assert.deepEqual(site.probe.calls, []);
    assert.deepEqual(
      events.map((event) => event.type === "rejected" && event.reason),
      ["ambiguous", "ambiguous"],
    );
  },
);

testEverywhere("[20][21] names that look like ours are other names", async (site) => {
  const visitor = site.visitor();
  await visitor.login("leo");
  const attacker = site.visitor();
  await attacker.login("mallory");
  const [mine, theirs] = [visitor.ticket, attacker.ticket];
  const impostors = [
    `=${name}=${theirs}`,
    name,
    `__%48ost-Http-session=${theirs}`,
    `__host-http-session=${theirs}`,
    `__HOST-HTTP-SESSION=${theirs}`,
    `__Host-Http-Session=${theirs}`,
    `\u00a0${name}=${theirs}`,
    `${name}\u00a0=${theirs}`,
    `\u00a0\u00a0${name}=${theirs}`,
    `\u0085${name}=${theirs}`,
    `"${name}"=${theirs}`,
    `$${name}=${theirs}`,
    `__Host-Http-session[]=${theirs}`,
    `__Host-Http-session.0=${theirs}`,
    `__Host-Http-session%00=${theirs}`,
    `session=${theirs}`,
  ];
  for (const impostor of impostors) {
    for (const cookie of [`${impostor}; ${name}=${mine}`, `${name}=${mine}; ${impostor}`]) {
      assert.equal(await visitor.subject({ cookie }), "leo", JSON.stringify(impostor));
    }
    assert.equal(await visitor.subject({ cookie: impostor }), undefined, JSON.stringify(impostor));
  }
});

test("[21] only space and tab are trimmed: what Unicode calls blank belongs to the name", () => {
  for (const blank of [
    "\u00a0",
    "\ufeff",
    "\u2028",
    "\u2029",
    "\v",
    "\f",
    "\u0085",
    "\u3000",
    "\0",
    "\r",
    "\n",
  ]) {
    assert.equal(receivedCookies(`${blank}${name}=x`).has(name), false, JSON.stringify(blank));
    assert.equal(receivedCookies(`${name}${blank}=x`).has(name), false, JSON.stringify(blank));
    assert.deepEqual(receivedCookies(`${name}=x${blank}`).getAll(name), [`x${blank}`]);
  }
  assert.deepEqual(receivedCookies(` \t ${name} \t=\t x \t`).getAll(name), ["x"]);
});

testEverywhere(
  "[22] only a semicolon separates: no other cookie can forge the session's, or hide it",
  async (site) => {
    const [visitor, attacker] = [site.visitor(), site.visitor()];
    await visitor.login("leo");
    await attacker.login("mallory");
    const [mine, theirs] = [visitor.ticket, attacker.ticket];
    const alone = [
      `a=b,${name}=${theirs}`,
      `a=[${name}=${theirs}]`,
      `a=b ${name}=${theirs}`,
      `a=b&${name}=${theirs}`,
    ];
    for (const cookie of alone) assert.equal(await visitor.subject({ cookie }), undefined, cookie);
    const beside = [
      ...alone,
      "%zz=%zz",
      "%",
      "a=%E0%A4%A",
      "novalue",
      "=",
      ";;;;",
      'a="b',
      "a=b=c",
      "\u00ff=\u00fe",
    ];
    for (const other of beside) {
      for (const cookie of [
        `${other}; ${name}=${mine}`,
        `${name}=${mine}; ${other}`,
        `${other};${name}=${mine};`,
      ]) {
        assert.equal(await visitor.subject({ cookie }), "leo", cookie);
      }
    }
    // RFC 6265bis: a quote does not protect a semicolon, so this is the attacker's ticket beside ours.
    const quoted = `ga="x; ${name}=${theirs}"; ${name}=${mine}`;
    assert.equal(await visitor.subject({ cookie: quoted }), "leo");
  },
);

testEverywhere("[19] several Cookie headers count as one", async (site) => {
  const visitor = site.visitor();
  await visitor.login("leo");
  const crumbs = [`${name}=${visitor.ticket}`, "a=1", "b=2"];
  for (const order of [crumbs, crumbs.toReversed()]) {
    const headers = new Headers(order.map((crumb) => ["cookie", crumb] as [string, string]));
    const response = await site.send(new Request(home, { headers }), async (at) => {
      const cookies = site.sessions.cookies(at);
      return Response.json([(await site.sessions.of(at)).subject, cookies.get("a"), cookies.get("b")]);
    });
    assert.deepEqual(await response.json(), ["leo", "1", "2"]);
  }
});

testEverywhere(
  "[23] cookies named like properties of objects are data, and change no prototype",
  async (site) => {
    const before = Object.getOwnPropertyNames(Object.prototype);
    const names = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "valueOf"];
    const visitor = site.visitor();
    const cookie = names.map((each) => `${each}=evil`).join("; ");
    for (const sent of [cookie, undefined]) {
      const response = await visitor.send(
        (at) => {
          const cookies = site.sessions.cookies(at);
          return Response.json(
            names.map((each) => [
              cookies.get(each) ?? null,
              cookies.has(each),
              cookies.signed.get(each) ?? null,
              cookies.sealed.get(each) ?? null,
            ]),
          );
        },
        { cookie: sent },
      );
      const expected = sent === undefined ? [null, false, null, null] : ["evil", true, null, null];
      assert.deepEqual(
        await response.json(),
        names.map(() => expected),
      );
    }
    assert.deepEqual(Object.getOwnPropertyNames(Object.prototype), before);
    assert.equal(({} as Record<string, unknown>)["evil"], undefined);
  },
);

test("[18] more values than any browser sends are not all looked at", async (t) => {
  const site = new Site(t);
  const visitor = site.visitor();
  await visitor.login("leo");
  const after = (strays: number): string =>
    [...Array.from({ length: strays }, (_, at) => `${name}=${at}`), `${name}=${visitor.ticket}`].join("; ");
  assert.equal(await visitor.subject({ cookie: after(7) }), "leo");
  assert.equal(await visitor.subject({ cookie: after(8) }), undefined);
});
