import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import * as fc from "fast-check";
import { LOOK_ALIKES } from "../../app/look-alikes.ts";
import { nameClaims, nameKey, nameProblem, normalizeName } from "../../app/names.ts";
import { Passwords } from "../../app/passwords.ts";
import { Users } from "../../app/users.ts";
import { dataFolder } from "./program.ts";
import { testSite } from "./test-site.ts";

const cheap = new Passwords({ memoryKiB: 64, passes: 1 });

/** Whether a name could be made beside another. */
function isFree(typed: string, taken: string): boolean {
  const name = normalizeName(typed);
  if (nameProblem(name) !== undefined) return false;
  const claims = nameClaims(taken);
  return nameClaims(name).every((claim) => !claims.includes(claim));
}

/** Every code point that is a character or may become one. */
function* codePoints(): Generator<string> {
  for (let code = 0; code <= 0x10_ff_ff; code += 1) {
    if (code < 0xd8_00 || code > 0xdf_ff) yield String.fromCodePoint(code);
  }
}

test("row 120: names that people have can be made, in their own letters", () => {
  for (const name of [
    "Zoë Núñez",
    "Ólafur Þórðarson",
    "Nguyễn Thị Ánh",
    "Łukasz Żółć",
    "Işıl Çağrı",
    "O'Brien",
    "D’Arcy",
    "Jean-Luc",
    "Anna Kaʻahumanu",
    "Елена Прекрасная",
    "Їжакевич Ґалаґан",
    "Ελένη Παπαδοπούλου",
    "Արամ Խաչատրյան",
    "თამარ მეფე",
    "דוד בן־גוריון",
    "محمد علی",
    "نرگس می\u200Cخواهد", // a joiner inside a word
    "सरस्वती",
    "क्\u200Dष",
    "ক্\u200Cষ",
    "தமிழ்ச்செல்வி",
    "ശ്രീ",
    "สมชาย ใจดี",
    "ကျော်စွာ",
    "ព្រះ",
    "བཀྲ་ཤིས་",
    "ኃይለ ሥላሴ",
    "김민준",
    "山田太郎",
    "さくら",
    "ジョン・レノン",
    "田中Taro",
    "陳大文",
    "👩‍👩‍👧‍👦 the Smiths",
    "🏴󠁧󠁢󠁳󠁣󠁴󠁿 Ewan",
    "❤️ Ada",
    "🤷🏽‍♀️",
    "leo 2",
    "<b>Ada</b> & 'Co'",
  ]) {
    assert.equal(nameProblem(normalizeName(name)), undefined, name);
    assert.equal(
      nameClaims(name).length > 0 && nameClaims(name).every((claim) => claim.trim() !== ""),
      true,
      name,
    );
  }
});

test("row 120: what cannot be seen, or stands in for something, is refused with a reason", () => {
  for (const [name, reason] of [
    ["", /choose a name/],
    ["\u3164", /cannot be seen/],
    ["leo\uFE0F", /cannot be seen/],
    ["leo\u3164", /cannot be seen/],
    ["leo\u2800", /cannot be seen/],
    ["le\u200Bo", /cannot be seen/],
    ["le\u200Do", /cannot be seen/],
    ["le\u200Co", /cannot be seen/],
    ["leo\u202E", /cannot be seen/],
    ["leo\u{E0061}", /cannot be seen/],
    ["دا\u200Cر", /cannot be seen/], // after a letter that joins nothing there, a joiner changes nothing
    ["1\uFE0F", /cannot be seen/],
    ["le\u{1D159}o", /cannot be seen|without/],
    ["leo\uFFFC", /without/],
    ["\u0301leo", /accent/],
    ["leo \u0301", /accent/],
    ["le\u0301\u0301o", /accent/],
    ["z\u0300\u0316\u0317\u0318\u0319", /accent/],
    ["l\u0435o", /one alphabet/],
    ["leο", /one alphabet/],
    ["ꓡꓰꓳ", /without ꓡ/],
    ["\u0261reg", /without \u0261/],
    ["x".repeat(41), /at most 40/],
    ["👩‍👩‍👧‍👦".repeat(41), /at most 40/],
  ] as const) {
    assert.match(nameProblem(normalizeName(name)) ?? "", reason, JSON.stringify(name));
  }
  assert.equal(nameProblem("x".repeat(40)), undefined);
  assert.equal(nameProblem("👩‍👩‍👧‍👦".repeat(14)), undefined, "counted as people count");
});

test("row 120: no character, before, within or after a name, makes one that looks the same beside it", () => {
  // Independent of the rule itself: what Unicode says is not drawn, or only as room between others.
  const unseen =
    /[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Zs}\p{Zl}\p{Zp}\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Variation_Selector}\p{Bidi_Control}\p{Join_Control}\u2800\u{16FE4}\u{1D159}\u{13441}\u{13442}\uFFF9-\uFFFB]/u;
  for (const character of codePoints()) {
    // What is no character yet is refused wherever it stands.
    const isCharacter = !/[\p{Cn}\p{Co}]/u.test(character);
    const places = isCharacter
      ? [`leo${character}`, `${character}leo`, `le${character}o`]
      : [`leo${character}`];
    for (const typed of places) {
      const isSame = normalizeName(typed) === "leo" || nameKey(typed) === "leo";
      if (!isFree(typed, "leo")) continue;
      assert.ok(!isSame, JSON.stringify(typed));
      // A space within is seen, and nothing else of its kind is left.
      const left = normalizeName(typed).replace("le o", "leo");
      assert.doesNotMatch(left, unseen, JSON.stringify(typed));
    }
  }
});

test("row 120: for every character, capitals, other spellings and look-alikes of a name are that name", () => {
  let count = 0;
  for (const character of codePoints()) {
    if (/[\p{Cn}\p{Co}]/u.test(character)) continue;
    // Of the 110,000 ideographs and syllables, which have no capitals, every 16th.
    count += 1;
    if (/[\p{Ideographic}\uAC00-\uD7A3]/u.test(character) && count % 16 !== 0) continue;
    const name = normalizeName(`a${character}a`);
    assert.equal(normalizeName(name), name, "normalizing twice is normalizing once");
    if (nameProblem(name) !== undefined) continue;
    for (const other of [
      name.toUpperCase(),
      name.toLowerCase(),
      name.normalize("NFD"),
      name.normalize("NFKD"),
      ` ${name} `,
      [...name].map((one) => LOOK_ALIKES.get(one) ?? one).join(""),
    ]) {
      assert.ok(!isFree(other, name), `${name} and ${other}`);
      assert.ok(
        !isFree(name, other) || nameProblem(normalizeName(other)) !== undefined,
        `${other} and ${name}`,
      );
    }
  }
});

test("row 120: of two names that look alike through any of their characters, one can be made", () => {
  const groups = new Map<string, string[]>();
  for (const [other, first] of LOOK_ALIKES) groups.set(first, [...(groups.get(first) ?? [first]), other]);
  const letters = [...groups.values()].filter((group) => group.some((one) => /\p{L}/u.test(one)));
  const pair = fc
    .array(
      fc
        .constantFrom(...letters)
        .chain((group) => fc.tuple(fc.constantFrom(...group), fc.constantFrom(...group))),
      {
        minLength: 1,
        maxLength: 8,
      },
    )
    .map((pairs) => [pairs.map(([one]) => one).join(""), pairs.map(([, other]) => other).join("")] as const);
  fc.assert(
    fc.property(pair, ([one, other]) => {
      assert.ok(!isFree(one, other), `${one} and ${other}`);
    }),
    { numRuns: 5_000 },
  );
});

test("row 120: look-alikes of a name that is there are told so; its own spellings log in", async (t) => {
  const site = await testSite(t);
  const signUp = (name: string) => site.visitor().post("/signup", { name, password: "correct horse" });
  for (const name of ["LEO", " leo ", "ｌｅｏ", "Leo", "Ieo", "le0", "ӏео", "1eo"]) {
    const answer = await signUp(name);
    assert.equal(answer.status, 409, name);
    assert.match(answer.body, /taken, or one that looks like it/);
  }
  for (const name of ["LEO", " leo ", "ｌｅｏ"])
    assert.equal((await site.visitor().login({ name })).location, "/user", name);
  for (const name of ["Ieo", "le0"])
    assert.equal((await site.visitor().login({ name })).way, "/login", `${name} is nobody`);
  for (const name of ["leah", "лео", "Leo 2", "Bill", "Ian"])
    assert.equal((await signUp(name)).status, 303, name);
  assert.equal((await signUp("BiII")).status, 409);
});

test("row 120: of two names in the database that differ in case or spelling only, there is one", (t) => {
  const users = new Users(dataFolder(t), cheap);
  t.after(() => users.close());
  const one = users.create("Straße", "x");
  assert.ok(one);
  assert.equal(users.create("STRASSE", "x"), undefined);
  assert.equal(users.byName("straße")?.id, one.id);
  assert.equal(users.create("Σίσυφος", "x")?.name, "Σίσυφος");
  assert.equal(users.create("ΣΊΣΥΦΟΣ", "x"), undefined, "a sigma at the end is a sigma");
  assert.ok(users.create("strassen", "x"), "a refused name has claimed nothing");
});

test("row 120: accounts from before this rule stay, and claim what they look like", (t) => {
  const folder = dataFolder(t);
  new Users(folder, cheap).close();
  const old = new DatabaseSync(join(folder, "users.db"));
  old.exec(
    "DROP TABLE claims; DROP TABLE devices; ALTER TABLE users DROP COLUMN login_at; " +
      "ALTER TABLE users DROP COLUMN login_agent; PRAGMA user_version = 1",
  );
  for (const name of ["Ieo", "ada\uFE0F"])
    old
      .prepare("INSERT INTO users (id, name, name_key, password_hash) VALUES (?, ?, ?, 'x')")
      .run(name, name, name.toLowerCase());
  old.close();
  const users = new Users(folder, cheap);
  t.after(() => users.close());
  for (const name of ["leo", "Ieo", "ada\uFE0F"]) assert.equal(users.byName(name)?.name, name);
  for (const name of ["le0", "Ada"]) assert.equal(users.create(name, "x"), undefined, name);
});
