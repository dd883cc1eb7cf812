import assert from "node:assert/strict";
import { test } from "node:test";
import { Site, testEverywhere, testOnStores } from "../support/site.ts";
import { tampered } from "../support/store-calls.ts";

testEverywhere("a session is a dictionary that lasts from one request to the next", async (site) => {
  const visitor = site.visitor();
  await visitor.with((session) => {
    assert.equal(session.get("a"), undefined);
    assert.equal(session.has("a"), false);
    session.set("a", 1);
    session.set("b", { c: [new Date(0)] });
    assert.deepEqual([session.get("a"), session.has("a"), session.keys()], [1, true, ["a", "b"]]);
  });
  await visitor.with((session) => {
    assert.deepEqual(session.entries(), [
      ["a", 1],
      ["b", { c: [new Date(0)] }],
    ]);
    assert.equal(session.delete("a"), true);
    assert.equal(session.delete("a"), false);
    assert.equal(session.delete("never"), false);
    assert.deepEqual([session.get("a"), session.has("a"), session.keys()], [undefined, false, ["b"]]);
    session.set("a", 2);
    session.delete("b");
  });
  await visitor.with((session) => {
    assert.deepEqual(session.entries(), [["a", 2]]);
    session.clear();
    assert.deepEqual(session.keys(), []);
  });
  assert.deepEqual(await visitor.with((session) => session.keys()), []);
});

testOnStores(
  "what is changed inside an object that get returned is saved, and nothing else is written",
  async (site) => {
    const visitor = site.visitor();
    await visitor.with((session) => {
      session.set("cart", { items: ["hat"], seen: new Set([1]), at: new Map([["a", new Date(0)]]) });
      session.set("other", { quiet: true });
    });
    site.probe.calls.length = 0;
    await visitor.with((session) => {
      void session.entries();
      const cart = session.get("cart") as { items: string[]; seen: Set<number>; at: Map<string, Date> };
      cart.items.push("coat");
      cart.seen.add(2);
      cart.at.get("a")?.setTime(5);
    });
    const patch = site.probe.calls.find((call) => call.operation === "patch")?.patch;
    assert.deepEqual(
      [...(patch?.set ?? [])].map(([name]) => name),
      ["d:cart"],
    );
    assert.deepEqual(await visitor.with((session) => session.get("cart")), {
      items: ["hat", "coat"],
      seen: new Set([1, 2]),
      at: new Map([["a", new Date(5)]]),
    });
  },
);

testOnStores(
  "an object changed after it was set is saved as it is when the response leaves",
  async (site) => {
    const visitor = site.visitor();
    await visitor.with((session) => {
      const cart: string[] = [];
      session.set("cart", cart);
      cart.push("hat");
    });
    assert.deepEqual(await visitor.with((session) => session.get("cart")), ["hat"]);
  },
);

testOnStores(
  "reading, or setting a value and changing it back, costs no write but the value's own",
  async (site) => {
    const visitor = site.visitor();
    await visitor.with((session) => session.set("cart", { b: 1, a: [1, 2] }));
    site.probe.calls.length = 0;
    await visitor.with((session) => {
      const cart = session.get("cart") as { a: number[] };
      cart.a.push(3);
      cart.a.pop();
      session.has("cart");
      session.keys();
    });
    assert.equal(site.probe.count("patch"), 0);
  },
);

testEverywhere(
  "data of a handler that throws or answers 5xx is dropped, and that of a 4xx is kept",
  async (site) => {
    const visitor = site.visitor();
    await visitor.with((session) => session.set("x", ["kept"]));
    for (const status of [500, 503]) {
      await visitor.with(
        (session) => {
          session.set("y", "lost");
          (session.get("x") as string[]).push("lost");
        },
        { status },
      );
    }
    await assert.rejects(
      visitor.with((session) => {
        session.set("y", "lost");
        throw new Error("on purpose");
      }),
    );
    await visitor.with((session) => session.set("z", "kept"), { status: 404 });
    assert.deepEqual(await visitor.with((session) => Object.fromEntries(session.entries())), {
      x: ["kept"],
      z: "kept",
    });
  },
);

testEverywhere(
  "[83] writing after the response has left is told, and not lost; reading still works",
  async (site) => {
    const visitor = site.visitor();
    const session = await visitor.with((opened) => {
      opened.set("x", 1);
      return opened;
    });
    const told = { name: "MisuseError", code: "AFTER_RESPONSE" };
    assert.throws(() => session.set("x", 2), told);
    assert.throws(() => session.delete("x"), told);
    assert.throws(() => session.flash("x"), told);
    assert.throws(() => (session.permanent = true), told);
    for (const late of [
      () => session.update("x", () => 2),
      () => session.takeFlashes(),
      () => session.login("leo"),
      () => session.logout(),
      () => session.rotate(),
    ]) {
      await assert.rejects(late(), told);
    }
    assert.equal(await visitor.with((next) => next.get("x")), 1);
  },
);

testEverywhere(
  "[83] a session that is first opened after the response has left can be read, and says so when written to",
  async (site) => {
    const visitor = site.visitor();
    await visitor.with((session) => session.set("x", 1));
    let late: object = {};
    await visitor.send((at) => {
      late = at;
      return new Response();
    });
    const session = await site.sessions.of(late);
    assert.equal(session.get("x"), 1);
    assert.throws(() => session.set("x", 2), { code: "AFTER_RESPONSE" });
    await assert.rejects(session.logout(), { code: "AFTER_RESPONSE" });
    assert.equal(await visitor.with((next) => next.get("x")), 1);
  },
);

testOnStores("[89] what passes a limit is refused at set, and what was there stays", async (site) => {
  const visitor = site.visitor(
    site.sessionsWith({
      limits: { bytes: 1000, keys: 3, keyLength: 10, depth: 4, flashes: 2, flashLength: 8 },
    }),
  );
  await visitor.with((session) => {
    session.set("a", "x".repeat(900));
    assert.throws(() => session.set("b", "x".repeat(200)), { name: "LimitError", code: "SESSION_TOO_LARGE" });
    assert.throws(() => session.set("a", "x".repeat(1000)), { code: "SESSION_TOO_LARGE" });
    assert.throws(() => session.set("b", "ü".repeat(60)), { code: "SESSION_TOO_LARGE" });
    session.set("a", "small");
    session.set("b", [[[["deep enough"]]]]);
    assert.throws(() => session.set("c", [[[[["too deep"]]]]]), { code: "VALUE_TOO_DEEP" });
    assert.throws(() => session.set("k".repeat(11), 1), { code: "KEY_TOO_LONG" });
    session.set("k".repeat(10), 1);
    assert.throws(() => session.set("d", 1), { code: "KEYS_TOO_MANY" });
    session.set("a", "still here");
    session.flash("12345678");
    assert.throws(() => session.flash("123456789"), { code: "FLASH_TOO_LONG" });
  });
  await visitor.with((session) => {
    assert.equal(session.get("a"), "still here");
    assert.throws(() => session.set("d", 1), { code: "KEYS_TOO_MANY" });
    session.delete("b");
    session.set("d", 1);
  });
  await assert.rejects(
    visitor.with((session) => session.update("a", () => "x".repeat(1001))),
    { code: "SESSION_TOO_LARGE" },
  );
  assert.equal(await visitor.with((session) => session.get("a")), "still here");
});

testOnStores(
  "[89] an object that grew past a limit after get fails its page, and the next one reads what was there",
  async (site) => {
    const visitor = site.visitor();
    await visitor.with((session) => session.set("list", ["kept"]));
    await visitor.with((session) => void (session.get("list") as string[]).push("x".repeat(70_000)));
    assert.equal(visitor.last.status, 500);
    assert.deepEqual(await visitor.with((session) => session.get("list")), ["kept"]);
    assert.equal(visitor.last.status, 200);
  },
);

testOnStores(
  "[89] objects that grew together past a limit after they were set fail their page; one may grow where another shrinks",
  async (site) => {
    const visitor = site.visitor();
    for (const isBegun of [false, true]) {
      await visitor.with((session) => {
        const [one, other] = [["x".repeat(100)], ["x".repeat(100)]];
        session.set("one", one);
        session.set("other", other);
        one.push("x".repeat(40_000));
        other.push("x".repeat(40_000));
      });
      assert.equal(visitor.last.status, 500, `begun: ${isBegun}`);
      await visitor.with((session) => session.set("one", ["x".repeat(40_000)]));
      await visitor.with((session) => session.set("other", ["y"]));
      assert.equal(visitor.last.status, 200);
    }
    await visitor.with((session) => {
      (session.get("other") as string[]).push("y".repeat(40_000));
      (session.get("one") as string[]).pop();
    });
    assert.equal(visitor.last.status, 200);
    assert.equal((await visitor.with((session) => session.get("other") as string[]))[1]?.length, 40_000);
  },
);

testOnStores(
  "what a session over a narrowed limit holds can be set again at its size, in one request with something smaller, too",
  async (site) => {
    const wide = site.visitor();
    await wide.with((session) => {
      for (const key of ["a", "b", "c"]) session.set(key, "x".repeat(100));
    });
    const visitor = site.visitor(site.sessionsWith({ limits: { bytes: 50, keys: 1 } }));
    visitor.jar.plant("__Host-Http-session", wide.ticket ?? "");
    await visitor.with((session) => session.set("a", "y".repeat(100)));
    assert.equal(visitor.last.status, 200);
    await visitor.with((session) => {
      assert.throws(() => session.set("a", "y".repeat(101)), { code: "SESSION_TOO_LARGE" });
      session.delete("b");
      session.set("a", "y".repeat(150));
      session.set("d", "z");
      assert.throws(() => session.set("e", ""), { code: "KEYS_TOO_MANY" });
    });
    assert.equal(visitor.last.status, 200);
    await visitor.with((session) => session.update("a", () => "z".repeat(140)));
    assert.deepEqual(await visitor.with((session) => session.keys().toSorted()), ["a", "c", "d"]);
  },
);

testOnStores(
  "changes that fitted what a request had opened fail their page where the store, asked again, has more by then",
  async (site) => {
    const visitor = site.visitor();
    await visitor.with((session) => session.set("x", 1));
    await visitor.send(async (at) => {
      const session = await site.sessions.of(at);
      session.set("late", "x".repeat(40_000));
      await visitor.with((other) => other.set("early", "x".repeat(40_000)));
      await site.sessions.of(at, { authoritative: true });
      return new Response();
    });
    assert.equal(visitor.last.status, 500);
    assert.deepEqual(await visitor.with((session) => session.keys()), ["x", "early"]);
  },
);

testOnStores("a session written under wider limits can still be read, and shrunk", async (site) => {
  const visitor = site.visitor();
  await visitor.with((session) => session.set("list", [["x".repeat(500)]]));
  const narrow = site.visitor(site.sessionsWith({ limits: { bytes: 100, depth: 1 } }));
  narrow.jar.plant("__Host-Http-session", visitor.ticket ?? "");
  assert.equal((await narrow.with((session) => session.get("list") as string[][]))[0]?.[0]?.length, 500);
  assert.equal(narrow.last.status, 200);
  await narrow.with((session) => session.set("list", ["small"]));
  assert.deepEqual(await narrow.with((session) => session.get("list")), ["small"]);
});

test("[93] keys that are no text are refused", async (t) => {
  await new Site(t).visitor().with((session) => {
    for (const key of ["", "a\nb", "a\0", "\ud800", undefined, null, 5, {}, ["a"], Symbol("a")]) {
      assert.throws(() => session.set(key as string, 1), { name: "MisuseError", code: "KEY_INVALID" });
    }
    for (const key of ["ü", "a b", "🙂", "d:x", "$Date", "."]) {
      session.set(key, key);
      assert.equal(session.get(key), key);
    }
  });
});

test("limits that mean nothing are refused at the start", (t) => {
  for (const limits of [
    { bytes: 0 },
    { keys: -1 },
    { depth: 1.5 },
    { depth: 257 },
    { flashes: Number.NaN },
    { bytes: "9" },
    { byte: 5 },
  ]) {
    assert.throws(() => new Site(t, { options: { limits: limits as object } }), { code: "CONFIG_INVALID" });
  }
});

test("[48] a value that can't be read is not there: has, keys, entries and get say the same, and clear removes it", async (t) => {
  const site = new Site(t);
  const visitor = site.visitor();
  await visitor.with((session) => {
    session.set("good", 1);
    session.set("bad", 2);
  });
  site.probe.around = tampered((record) => ({
    ...record,
    fields: new Map([...record.fields, ["d:bad", Buffer.from("{")]]),
  }));
  await visitor.with((session) => {
    assert.deepEqual([session.has("bad"), session.get("bad"), session.has("good")], [false, undefined, true]);
    assert.deepEqual([session.keys(), session.entries()], [["good"], [["good", 1]]]);
    session.clear();
  });
  const [record] = await site.probe.records();
  assert.deepEqual([...(record?.fields.keys() ?? [])], []);
});

testOnStores("a limit that is undefined is the default", async (site) => {
  const given: object = { bytes: undefined, flashes: undefined };
  const visitor = site.visitor(site.sessionsWith({ limits: given }));
  await visitor.with((session) => {
    assert.throws(() => session.set("long", "x".repeat(70_000)), { code: "SESSION_TOO_LARGE" });
  });
});
