import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { buildSite } from "../../scripts/docs/build.ts";
import type { Build } from "../../scripts/docs/build.ts";

/** A build whose program copies one page, and counts how often it ran. */
function fakeBuild(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-docs-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const fake = {
    folder,
    page: "first",
    runs: 0,
    whileMaking: (): void => undefined,
    build: (): string =>
      buildSite({
        folder,
        stage: () => new Map([["index.html", fake.page]]),
        hashOf: (staged) => staged.get("index.html") ?? "",
        make(from, to) {
          fake.runs += 1;
          fake.whileMaking();
          mkdirSync(to);
          writeFileSync(join(to, "index.html"), readFileSync(join(from, "index.html")));
        },
      } satisfies Build),
    get served(): string {
      return readFileSync(join(folder, ".built", "index.html"), "utf8");
    },
    status: join(folder, ".status.json"),
  };
  return fake;
}

test("the site is built anew only if its sources have changed", (t) => {
  const fake = fakeBuild(t);
  assert.deepEqual([fake.build(), fake.build(), fake.runs], ["built", "unchanged", 1]);
  fake.page = "second";
  assert.deepEqual([fake.build(), fake.served, fake.runs], ["built", "second", 2]);
  assert.equal(existsSync(fake.status), false);
});

test("only one process builds at a time, and the old site is served meanwhile", (t) => {
  const fake = fakeBuild(t);
  fake.build();
  fake.page = "second";
  const seen: string[] = [];
  fake.whileMaking = () => seen.push(fake.build(), fake.served);
  assert.equal(fake.build(), "built");
  assert.deepEqual([seen, fake.served, fake.runs], [["busy", "first"], "second", 2]);
});

test("a build that fails leaves the old site, says why, and can be repeated", (t) => {
  const fake = fakeBuild(t);
  fake.build();
  fake.page = "second";
  fake.whileMaking = () => {
    throw new Error("no network");
  };
  assert.throws(fake.build, /no network/);
  assert.deepEqual(JSON.parse(readFileSync(fake.status, "utf8")), { state: "failed", message: "no network" });
  assert.equal(fake.served, "first");
  fake.whileMaking = () => undefined;
  assert.deepEqual([fake.build(), fake.served], ["built", "second"]);
});

test("a build that was killed does not keep others from building", (t) => {
  const fake = fakeBuild(t);
  const { pid } = spawnSync(process.execPath, ["--version"]);
  writeFileSync(fake.status, JSON.stringify({ state: "building", pid }));
  assert.equal(fake.build(), "built");
});

test("what the application serves is listed, with the scripts inside pages", (t) => {
  const fake = fakeBuild(t);
  fake.page = `<script src="/a.js"></script><script id="x">go()</script>`;
  fake.build();
  const { files, scripts } = JSON.parse(readFileSync(join(fake.folder, ".built", "built.json"), "utf8"));
  assert.deepEqual(Object.keys(files), ["index.html"]);
  // printf 'go()' | openssl dgst -sha256 -binary | base64
  assert.deepEqual(scripts, ["'sha256-5KYv+PUboo5h+0+YAtGRPbwv5d/QxzHslP4YGnUaxRw='"]);
});
