import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { requestPaths } from "../../scripts/request-path.ts";

describe("a request on Express, with sessions in SQLite, runs through few files", () => {
  let paths: Awaited<ReturnType<typeof requestPaths>>;
  before(async () => {
    paths = await requestPaths();
  });

  test("at most 32 when its handler reads a key", () => {
    assert.ok(paths.read.includes("session/load.ts"), "the files are counted");
    assert.ok(paths.read.length <= 32, paths.read.join("\n"));
  });

  test("at most 42 when its handler logs somebody in", () => {
    assert.ok(paths.login.includes("session/login.ts"), "the files are counted");
    assert.ok(paths.login.length <= 42, paths.login.join("\n"));
  });

  test("none of another adapter or store", () => {
    const others = [...paths.read, ...paths.login].filter((file) =>
      /^(?:adapters|stores)\/(?!sqlite)/.test(file),
    );
    assert.deepEqual(others, []);
  });
});
