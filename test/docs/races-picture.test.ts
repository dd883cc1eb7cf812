import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { expressSessionContender } from "../../app/races/express-session.ts";
import { pictureFile, racesPicture } from "./races-picture.ts";

test("the picture of the race is what a run draws", async () => {
  assert.equal(readFileSync(pictureFile, "utf8"), await racesPicture());
});

test("a run with another result draws another picture", async () => {
  const drawn = await racesPicture({ ...expressSessionContender, name: "Coatcheck" });
  assert.match(drawn, /Coatcheck lost the colour/);
  assert.notEqual(readFileSync(pictureFile, "utf8"), drawn);
});
