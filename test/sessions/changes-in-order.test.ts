import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import * as fc from "fast-check";
import type { Session } from "coatcheck";
import { Site } from "../support/site.ts";
import type { Visitor } from "../support/site.ts";
import { precededBy } from "../support/store-calls.ts";

/** A store whose writes wait until they are let through. */
class Gate {
  #waiting: (() => void)[] = [];
  isOpen = true;

  constructor(site: Site) {
    site.probe.around = precededBy(({ operation }) =>
      this.isOpen || (operation !== "patch" && operation !== "create")
        ? undefined
        : new Promise((resolve) => this.#waiting.push(resolve)),
    );
  }

  /** Lets the writes through that wait now. */
  async pass(): Promise<void> {
    for (const go of this.#waiting.splice(0)) go();
    await turn();
  }

  async open(): Promise<void> {
    this.isOpen = true;
    await this.pass();
  }
}

type Cart = string[];

async function withCart(t: TestContext): Promise<{ site: Site; gate: Gate; visitor: Visitor }> {
  const site = new Site(t);
  const gate = new Gate(site);
  const visitor = site.visitor();
  await visitor.login("leo");
  await visitor.with((session) => {
    session.set("cart", ["old"]);
    session.set("other", ["kept"]);
  });
  return { site, gate, visitor };
}

function push(item: string): (cart: unknown) => Cart {
  return (cart) => [...((cart as Cart | undefined) ?? []), item];
}

/** What a handler does after it has called an update, and what the cart is then. */
const later: Record<string, readonly [(session: Session) => unknown, Cart | undefined]> = {
  "nothing else": [() => undefined, ["old", "new"]],
  set: [(session) => session.set("cart", ["set"]), ["set"]],
  delete: [(session) => session.delete("cart"), undefined],
  "set to undefined": [(session) => session.set("cart", undefined), undefined],
  clear: [(session) => session.clear(), undefined],
  "a change inside what get gives": [
    (session) => (session.get("cart") as Cart).push("inside"),
    ["old", "inside"],
  ],
  "a second update": [(session) => session.update("cart", push("second")), ["old", "new", "second"]],
  "a set and an update": [
    (session) => {
      session.set("cart", ["set"]);
      return session.update("cart", push("second"));
    },
    ["set", "second"],
  ],
  "an update that removes": [(session) => session.update("cart", () => undefined), undefined],
  "a login, and a set": [
    (session) => {
      const login = session.login("leo");
      session.set("cart", ["set"]);
      return login;
    },
    ["set"],
  ],
  "a new ticket, and a delete": [
    (session) => {
      const rotation = session.rotate();
      session.delete("cart");
      return rotation;
    },
    undefined,
  ],
};

for (const [what, [change, wanted]] of Object.entries(later)) {
  for (const before of ["nothing", "a get", "a set"]) {
    test(`an update under way, called after ${before}: ${what} comes after it`, async (t) => {
      const { gate, visitor } = await withCart(t);
      await visitor.with(async (session) => {
        if (before === "a get") session.get("cart");
        if (before === "a set") session.set("cart", ["old"]);
        gate.isOpen = false;
        const updated = session.update("cart", push("new"));
        const changed = change(session);
        await turn();
        await gate.open();
        assert.deepEqual(await updated, ["old", "new"]);
        await changed;
        assert.deepEqual(session.get("cart"), wanted);
      });
      assert.deepEqual(await visitor.with((session) => session.get("cart")), wanted);
    });
  }
}

test("an update of a key that nobody has: a delete or clear that follows it removes what it writes", async (t) => {
  const { gate, visitor } = await withCart(t);
  for (const remove of [(session: Session) => session.delete("n"), (session: Session) => session.clear()]) {
    await visitor.with(async (session) => {
      gate.isOpen = false;
      const updated = session.update("n", () => 1);
      remove(session);
      await gate.open();
      assert.equal(await updated, 1);
    });
    assert.equal(await visitor.with((session) => session.get("n")), undefined);
  }
});

test("an update that another request makes run again: what was changed after its call wins all the same", async (t) => {
  const { site, gate, visitor } = await withCart(t);
  const cookie = visitor.jar.header("https://site.example/");
  const other = site.visitor(site.sessionsWith());
  const runAgain: Record<string, Cart | undefined> = {
    "nothing else": ["old", "other", "new"],
    set: ["set"],
    delete: undefined,
    "a change inside what get gives": ["old", "inside"],
  };
  for (const [what, wanted] of Object.entries(runAgain)) {
    await visitor.with((session) => session.set("cart", ["old"]));
    await visitor.with(async (session) => {
      gate.isOpen = false;
      let runs = 0;
      const updated = session.update("cart", (cart) => (runs++, push("new")(cart)));
      await turn();
      gate.isOpen = true;
      await other.with((elsewhere) => elsewhere.update("cart", push("other")), { cookie });
      later[what]?.[0](session);
      await gate.open();
      assert.deepEqual(await updated, ["old", "other", "new"], what);
      assert.equal(runs, 2, what);
    });
    assert.deepEqual(await visitor.with((session) => session.get("cart")), wanted, what);
  }
});

test("an object that can't be kept any more fails the page, not the update under way", async (t) => {
  const { gate, visitor } = await withCart(t);
  await visitor.with(async (session) => {
    const cart = session.get("cart") as unknown[];
    gate.isOpen = false;
    const updated = session.update("cart", push("new"));
    cart.push(() => 1);
    await gate.open();
    assert.deepEqual(await updated, ["old", "new"]);
  });
  assert.equal(visitor.last.status, 500);
  assert.deepEqual(await visitor.with((session) => session.get("cart")), ["old", "new"]);
});

test("an update that fails leaves what was set before it, and what was set after it", async (t) => {
  const { visitor } = await withCart(t);
  const fails = (): never => {
    throw new Error("on purpose");
  };
  await visitor.with(async (session) => {
    session.set("cart", ["before"]);
    await assert.rejects(session.update("cart", fails), { message: "on purpose" });
    const failing = assert.rejects(session.update("other", fails), { message: "on purpose" });
    session.set("other", ["after"]);
    await failing;
  });
  assert.deepEqual(await visitor.with((session) => Object.fromEntries(session.entries())), {
    cart: ["before"],
    other: ["after"],
  });
});

test("an object that get gave before a login goes on to be looked at after it", async (t) => {
  const { visitor } = await withCart(t);
  await visitor.with(async (session) => {
    const cart = session.get("cart") as Cart;
    await session.login("leo");
    cart.push("after");
  });
  assert.deepEqual(await visitor.with((session) => session.get("cart")), ["old", "after"]);
});

/** What a program may do; what stands here twice it does more often. */
const steps =
  "set,set undefined,delete,clear,inside,inside,update,update,update,remove,login,rotate,pass,pass,turn".split(
    ",",
  );

/** What a program does next. */
const step = fc.record({
  does: fc.constantFrom(...steps),
  key: fc.constantFrom("a", "b"),
  waits: fc.boolean(),
});

test("whatever a handler calls and does not wait for, its changes count in the order of their calls", async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 14 }),
      fc.dictionary(fc.constantFrom("a", "b"), fc.constant<Cart>(["old"])),
      fc.boolean(),
      async (program, held, isNew) => {
        const site = new Site(t);
        const gate = new Gate(site);
        const visitor = site.visitor();
        if (!isNew) await visitor.login("leo");
        const model = new Map<string, Cart>();
        if (!isNew) {
          await visitor.with((session) => {
            for (const [key, value] of Object.entries(held)) {
              session.set(key, value);
              model.set(key, value);
            }
          });
        }
        await visitor.with(async (session) => {
          gate.isOpen = false;
          const answers: Promise<void>[] = [];
          const told = async (answer: Promise<unknown>, wanted: unknown): Promise<void> =>
            assert.deepEqual(await answer, wanted);
          for (const [at, { does, key, waits }] of program.entries()) {
            const item = String(at);
            let answer: Promise<void> | undefined;
            if (does === "set") {
              session.set(key, [item]);
              model.set(key, [item]);
            } else if (does === "set undefined" || does === "delete") {
              if (does === "delete") session.delete(key);
              else session.set(key, undefined);
              model.delete(key);
            } else if (does === "clear") {
              session.clear();
              model.clear();
            } else if (does === "inside") {
              const cart = session.get(key) as Cart | undefined;
              cart?.push(item);
              if (cart !== undefined) model.set(key, [...cart]);
            } else if (does === "update") {
              const wanted = push(item)(model.get(key));
              model.set(key, wanted);
              answer = told(session.update(key, push(item)), wanted);
            } else if (does === "remove") {
              model.delete(key);
              answer = told(
                session.update(key, () => undefined),
                undefined,
              );
            } else if (does === "login" && !isNew) answer = session.login("leo");
            else if (does === "rotate") answer = session.rotate();
            else if (does === "pass") await gate.pass();
            else await turn();
            if (answer === undefined) continue;
            answers.push(answer);
            // In tests of its own: rejections are looked at below.
            answer.catch(() => undefined);
            if (!waits) continue;
            await gate.open();
            await answer;
            gate.isOpen = false;
          }
          await gate.open();
          // Half of the handlers answer before their updates do: the commit waits for those.
          if (program.length % 2 === 0) await Promise.all(answers);
        });
        assert.equal(visitor.last.status, 200);
        const kept = await visitor.with((session) => new Map(session.entries()));
        const sorted = (map: ReadonlyMap<string, unknown>) =>
          [...map].toSorted(([one], [other]) => (one < other ? -1 : 1));
        assert.deepEqual(sorted(kept), sorted(model));
      },
    ),
    { numRuns: process.env["TEST_LONG"] ? 20_000 : 500 },
  );
});
