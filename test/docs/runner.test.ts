import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { examplesOf } from "./blocks.ts";
import { openWorkshop } from "./workshop.ts";

const fence = "```";

/** A page with one block; its code begins at line 4. */
function page(code: string, words = ""): string {
  return ["# A page", "", `${fence}ts${words && ` ${words}`}`, code, fence, ""].join("\n");
}

const good = {
  "good-value.md": page("const sum: number = 1 + 1; // => 2\nsum + 1; // => 3"),
  "good-throw.md": page('session.set("visits", (() => 1) as never); // throws VALUE_NOT_STORABLE', "handler"),
  "good-server.md": page(
    'import { createServer } from "node:http";\nexport const server = createServer().listen(Number(process.env.PORT));',
  ),
  "good-continued.md": page("const one = 1;") + page("one; // => 1", "continued"),
};

const badTypes = {
  "bad-type.md": page('const count: number = "two";\nconsole.log(count);'),
  "bad-api.md": page('session.put("user", "lea");', "handler"),
};

const badRuns = {
  "bad-value.md": page("1 + 1; // => 3"),
  "bad-throw.md": page('session.set("visits", 1); // throws VALUE_NOT_STORABLE', "handler"),
  "bad-code.md": page('session.set("visits", (() => 1) as never); // throws KEY_INVALID', "handler"),
  "bad-crash.md": page('throw new Error("no");'),
  "bad-handler.md": page('throw new Error("no");', "handler"),
  "bad-swallowed.md": page("try {\n1 + 1; // => 3\n} catch {}"),
  "bad-rejection.md": page(
    'void Promise.reject(new Error("nobody waits"));\nawait new Promise((go) => setTimeout(go, 20));',
  ),
};

describe("the runner of examples", { concurrency: true }, () => {
  const right = openWorkshop(new Map(Object.entries(good)));
  const wrong = openWorkshop(new Map(Object.entries({ ...badTypes, ...badRuns })));
  after(() => {
    right.close();
    wrong.close();
  });

  test("is content with examples that are right", async () => {
    assert.equal(await right.compile(), "");
    for (const example of right.examples) assert.equal(await right.run(example), undefined, example.where);
  });

  test("finds every example that does not type-check, at its line of the page", async () => {
    const said = await wrong.compile();
    for (const name of Object.keys(badTypes)) assert.match(said, new RegExp(`^${name}_4\\.ts\\(4,`, "m"));
    for (const name of Object.keys(badRuns)) assert.ok(!said.includes(name), name);
  });

  for (const name of Object.keys(badRuns)) {
    test(`finds that ${name} does not do what it says`, async () => {
      const example = wrong.examples.find(({ where }) => where === `${name}:4`);
      assert.ok(example);
      assert.match((await wrong.run(example)) ?? "", /Error/);
    });
  }

  test("refuses blocks whose fences mean nothing", () => {
    const refused = (text: string, reason: RegExp) =>
      assert.throws(() => examplesOf("a.md", text, "./given.ts"), reason);
    refused(page("1;", "handlre"), /handlre/);
    refused(page("1;", "continued"), /continues nothing/);
    refused(page("// => 1"), /of nothing/);
    refused(`# A page\n\n${fence}ts\n1;\n`, /without an end/);
  });
});
