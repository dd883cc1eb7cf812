import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { generateSecret } from "coatcheck";
import { Site, testEverywhere } from "../support/site.ts";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Presents each of these as the session cookie; none may be taken, and none may reach the store. */
async function refuseAll(site: Site, forgeries: Iterable<string>): Promise<number> {
  let count = 0;
  site.probe.calls.length = 0;
  for (const forgery of forgeries) {
    const visitor = site.visitor();
    // What a header can't hold can't arrive.
    const cookie = `__Host-Http-session=${forgery}`;
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(cookie)) continue;
    const seen = await visitor.with((session) => [session.id, session.subject, session.keys()], { cookie });
    assert.deepEqual(seen, [undefined, undefined, []], "a forged ticket was taken");
    count++;
  }
  assert.deepEqual(site.probe.calls, []);
  return count;
}

async function twoTickets(t: TestContext): Promise<[Site, string, string]> {
  const site = new Site(t);
  const [leo, ada] = [site.visitor(), site.visitor()];
  await leo.login("leo");
  await ada.login("ada");
  return [site, leo.ticket ?? "", ada.ticket ?? ""];
}

describe("[57] a ticket that differs in anything is refused without asking the store", () => {
  test("every bit flipped", async (t) => {
    const [site, ticket] = await twoTickets(t);
    const flips = [...Buffer.from(ticket)].flatMap((byte, at) =>
      [0, 1, 2, 3, 4, 5, 6, 7].map((bit) => {
        const bytes = Buffer.from(ticket);
        bytes[at] = byte ^ (1 << bit);
        return bytes.toString("latin1");
      }),
    );
    // A flip to `;` or space ends or trims the value: what is left is a truncation.
    assert.ok((await refuseAll(site, flips)) > 500);
  });

  test("every character replaced by every other one of the alphabet", async (t) => {
    const [site, ticket] = await twoTickets(t);
    const others = Array.from(ticket, (old, at) =>
      Array.from(alphabet, (letter) =>
        letter === old ? "" : ticket.slice(0, at) + letter + ticket.slice(at + 1),
      ),
    ).flat();
    assert.equal(await refuseAll(site, others), 89 * 64);
  });

  test("every truncation, at both ends", async (t) => {
    const [site, ticket] = await twoTickets(t);
    const cut = Array.from(ticket, (_, at) => [ticket.slice(0, at), ticket.slice(at + 1)]).flat();
    assert.equal(await refuseAll(site, cut), 178);
  });

  test("every insertion of one character", async (t) => {
    const [site, ticket] = await twoTickets(t);
    const longer = Array.from({ length: ticket.length + 1 }, (_, at) =>
      ["A", ".", "=", "_", "%", "*", "\x80"].map((letter) => ticket.slice(0, at) + letter + ticket.slice(at)),
    ).flat();
    assert.equal(await refuseAll(site, longer), 90 * 7);
  });

  test("every splice of two tickets", async (t) => {
    const [site, one, other] = await twoTickets(t);
    const splices = Array.from({ length: one.length - 1 }, (_, at) => [
      one.slice(0, at + 1) + other.slice(at + 1),
      other.slice(0, at + 1) + one.slice(at + 1),
    ]).flat();
    // Where the two have the same letters, a splice is one of them.
    const spliced = splices.filter((splice) => splice !== one && splice !== other);
    assert.equal(await refuseAll(site, spliced), spliced.length);
  });
});

test("[6] a ticket has one spelling: unused low bits, padding and stray characters are refused", async (t) => {
  const [site, ticket] = await twoTickets(t);
  const parts = ticket.split(".");
  const spellings = parts.flatMap((part, at) => {
    const bytes = Buffer.from(part, "base64url");
    // All that Node's decoder reads as the same bytes.
    const same = [
      ...Array.from(alphabet, (letter) => part.slice(0, -1) + letter),
      `${part}=`,
      `${part}==`,
      `${part} `,
      `${part}*`,
      `${part.slice(0, 5)} ${part.slice(5)}`,
      part.replaceAll("-", "+").replaceAll("_", "/"),
    ].filter((text) => text !== part && Buffer.from(text, "base64url").equals(bytes));
    return same.map((text) => parts.with(at, text).join("."));
  });
  assert.ok(
    (await refuseAll(
      site,
      spellings.filter((text) => text.trim() === text),
    )) >=
      15 + 3 + 15,
  );
});

test("[3][4] what has not the shape of a ticket never reaches the store, and answers like no cookie", async (t) => {
  const site = new Site(t);
  const odd = [
    "",
    "undefined",
    "null",
    "0",
    "../../etc/passwd",
    "*",
    "'; DROP TABLE coatcheck_session; --",
    '"',
    "%00",
  ];
  const random = Array.from({ length: 200 }, (_, length) => randomBytes(length).toString("base64url"));
  const shaped = Array.from({ length: 20 }, () =>
    [16, 32, 16].map((size) => randomBytes(size).toString("base64url")).join("."),
  );
  await refuseAll(site, [...odd, "a".repeat(10_000), ".".repeat(89), ...random, ...shaped]);

  const page = async (cookie: string | undefined) => {
    const visitor = site.visitor();
    await visitor.with((session) => session.get("x"), { cookie });
    return [visitor.last.status, [...visitor.last.headers], await visitor.last.text()];
  };
  for (const value of [...odd, shaped[0]]) {
    assert.deepEqual(await page(`__Host-Http-session=${value}`), await page(undefined));
  }
});

testEverywhere(
  "[4] an empty ticket is no session, and no record is ever kept without an id",
  async (site) => {
    const visitor = site.visitor();
    await visitor.with((session) => session.set("x", 1), { cookie: "__Host-Http-session=" });
    await visitor.with((session) => session.logout());
    await visitor.with((session) => session.flash("x"), { cookie: "__Host-Http-session=" });
    for (const { id } of await site.probe.records()) assert.match(id, /^[\w-]{22}$/);
  },
);

test("[6] a ticket is taken from its cookie only", async (t) => {
  const [site, ticket] = await twoTickets(t);
  const visitor = site.visitor();
  assert.equal(
    await visitor.subject({
      url: `https://site.example/?__Host-Http-session=${ticket}`,
      headers: {
        authorization: `Bearer ${ticket}`,
        "x-session": ticket,
        "__host-http-session": ticket,
        cookie2: `__Host-Http-session=${ticket}`,
      },
    }),
    undefined,
  );
});

test("[7][58] a ticket of another cookie name, or another app's key, is refused", async (t) => {
  const site = new Site(t);
  const names = ["__Host-Http-session", "__Host-Session", "__Host-Http-session2", "admin"];
  const hubs = names.map((name) => site.sessionsWith({ cookie: { name } }));
  const tickets: string[] = [];
  for (const [at, sessions] of hubs.entries()) {
    const visitor = site.visitor(sessions);
    await visitor.login("leo");
    tickets.push(visitor.jar.get(names[at] ?? "")?.value ?? "");
  }
  for (const [here, sessions] of hubs.entries()) {
    for (const [from, ticket] of tickets.entries()) {
      const subject = await site.visitor(sessions).subject({ cookie: `${names[here]}=${ticket}` });
      assert.equal(subject, here === from ? "leo" : undefined);
    }
  }
  const other = site.sessionsWith({ secret: generateSecret() });
  assert.equal(await site.visitor(other).subject({ cookie: `__Host-Http-session=${tickets[0]}` }), undefined);
});

test("[55] a ticket under none of the keys is refused, whatever the list", async (t) => {
  const site = new Site(t);
  const [stranger, ...keys] = Array.from({ length: 5 }, generateSecret);
  const visitor = site.visitor(site.sessionsWith({ secret: stranger ?? "" }));
  await visitor.login("leo");
  const cookie = `__Host-Http-session=${visitor.ticket}`;
  for (let length = 1; length <= keys.length; length++) {
    const list = keys.slice(0, length);
    for (const secret of [list, [...list, ...list], list.map((key) => Buffer.from(key))]) {
      assert.equal(await site.visitor(site.sessionsWith({ secret })).subject({ cookie }), undefined);
    }
  }
  for (const secret of [[[keys[0]]], [{}]] as unknown[]) {
    assert.throws(() => site.sessionsWith({ secret: secret as string[] }), { name: "ConfigError" });
  }
  for (const secret of [[], [undefined], [""], [keys[0], ""], [keys[0], null]]) {
    const bare = site.visitor(site.sessionsWith({ secret: secret as string[] }));
    await assert.rejects(bare.subject({ cookie }), { name: "ConfigError", code: "SECRET_MISSING" });
  }
  assert.equal(
    await site.visitor(site.sessionsWith({ secret: [...keys, stranger ?? ""] })).subject({ cookie }),
    "leo",
  );
});

testEverywhere("[58] each kind of token is refused in every other slot", async (site) => {
  const leo = site.visitor();
  await leo.login("leo");
  await leo.send(async (at) => {
    const cookies = leo.sessions.cookies(at);
    cookies.set("plain", leo.ticket ?? "");
    cookies.signed.set("signed", leo.ticket ?? "");
    cookies.sealed.set("sealed", leo.ticket ?? "");
    return new Response();
  });
  const id = (await leo.with((session) => session.id)) ?? "";
  const fields = (await site.probe.records()).flatMap((record) =>
    [...record.fields.values()].map((bytes) => Buffer.from(bytes).toString("base64url")),
  );
  const tokens: Record<string, string> = {
    ticket: leo.ticket ?? "",
    id,
    signed: leo.jar.get("signed")?.value ?? "",
    sealed: leo.jar.get("sealed")?.value ?? "",
    field: fields[0] ?? "",
    json: Buffer.from(JSON.stringify({ user: "leo" })).toString("base64url"),
  };
  for (const [kind, token] of Object.entries(tokens)) {
    assert.notEqual(token, "", kind);
    const visitor = site.visitor();
    const subject = await visitor.subject({ cookie: `__Host-Http-session=${token}` });
    assert.equal(subject, kind === "ticket" ? "leo" : undefined, `${kind} as a ticket`);
    const cookie = `signed=${token}; sealed=${token}`;
    await visitor.send(
      (at) => {
        const cookies = visitor.sessions.cookies(at);
        assert.equal(
          cookies.signed.get("signed") !== undefined,
          kind === "signed",
          `${kind} as a signed cookie`,
        );
        assert.equal(
          cookies.sealed.get("sealed") !== undefined,
          kind === "sealed",
          `${kind} as a sealed cookie`,
        );
        return new Response();
      },
      { cookie },
    );
    assert.equal(visitor.last.status, 200);
  }
});
