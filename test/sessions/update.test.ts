import assert from "node:assert/strict";
import { testEverywhere, testOnStores } from "../support/site.ts";

testEverywhere("[79] two hundred updates at once are told one to two hundred", async (site) => {
  const visitor = site.visitor();
  await visitor.with((session) => session.set("n", 0));
  const cookie = visitor.jar.header("https://site.example/");
  const other = site.sessionsWith();
  const told = await Promise.all(
    Array.from({ length: 200 }, (_, at) =>
      site
        .visitor(at % 2 === 0 ? site.sessions : other)
        .with((session) => session.update("n", (n) => Number(n) + 1), { cookie }),
    ),
  );
  assert.deepEqual(
    told.map(Number).toSorted((one, two) => one - two),
    Array.from({ length: 200 }, (_, at) => at + 1),
  );
  assert.equal(await visitor.with((session) => session.get("n")), 200);
});

testEverywhere(
  "an update begins a session where there is none, is kept if the handler fails, and its cookie is sent",
  async (site) => {
    const visitor = site.visitor();
    const told = await visitor.with((session) => session.update("n", (n) => [n === undefined]), {
      status: 500,
    });
    assert.deepEqual(told, [true]);
    assert.deepEqual(await visitor.with((session) => session.get("n")), [true]);
  },
);

testOnStores(
  "the updates of one request, also at once, follow each other, and the first begins one session",
  async (site) => {
    const visitor = site.visitor();
    const told = await visitor.with((session) =>
      Promise.all(Array.from({ length: 10 }, () => session.update("n", (n) => Number(n ?? 0) + 1))),
    );
    assert.deepEqual(told, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert.equal(site.probe.count("create"), 1);
    assert.equal((await site.probe.records()).length, 1);
  },
);

testOnStores("an update sees what its request has set or changed inside, and settles it", async (site) => {
  const visitor = site.visitor();
  await visitor.with((session) => session.set("list", ["a"]));
  await visitor.with(async (session) => {
    (session.get("list") as string[]).push("b");
    assert.deepEqual(await session.update("list", (list) => [...(list as string[]), "c"]), ["a", "b", "c"]);
    assert.deepEqual(session.get("list"), ["a", "b", "c"]);
    session.set("n", 1);
    assert.equal(await session.update("n", (n) => Number(n) + 1), 2);
    session.delete("n");
    assert.equal(await session.update("n", (n) => (n === undefined ? 10 : 0)), 10);
  });
  assert.deepEqual(await visitor.with((session) => Object.fromEntries(session.entries())), {
    list: ["a", "b", "c"],
    n: 10,
  });
});

testOnStores("a function that throws leaves the value, and its error comes out", async (site) => {
  const visitor = site.visitor();
  await visitor.with((session) => session.set("n", 1));
  await visitor.with(async (session) => {
    const failing = session.update("n", () => {
      throw new Error("on purpose");
    });
    await assert.rejects(failing, { message: "on purpose" });
    assert.equal(await session.update("n", (n) => Number(n) + 1), 2);
  });
});

testOnStores("changing what the function was given, and keeping it, changes nothing else", async (site) => {
  const visitor = site.visitor();
  await visitor.with((session) => session.set("list", ["a"]));
  await visitor.with(async (session) => {
    const before = session.get("list") as string[];
    await session.update("list", (list) => {
      (list as string[]).push("b");
      return list;
    });
    assert.deepEqual(before, ["a"]);
  });
  assert.deepEqual(await visitor.with((session) => session.get("list")), ["a", "b"]);
});
