import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { receivedCookies } from "../support/received-cookies.ts";

/** A header that counts how many of its characters were looked at, so that no clock is needed. */
function counted(header: string): { readonly header: string; readonly looks: () => number } {
  let looks = 0;
  const spy = {
    length: header.length,
    indexOf(wanted: string, from: number) {
      const at = header.indexOf(wanted, from);
      looks += (at === -1 ? header.length : at + 1) - from;
      return at;
    },
    charCodeAt(at: number) {
      looks++;
      return header.charCodeAt(at);
    },
    slice(from: number, to: number) {
      looks += to - from;
      return header.slice(from, to);
    },
  };
  return { header: spy as unknown as string, looks: () => looks };
}

const floods: Record<string, (length: number) => string> = {
  "empty pairs": (length) => ";".repeat(length),
  "short pairs": (length) => "a=;".repeat(length / 3),
  "one name over and over": (length) => "a=b; ".repeat(length / 5),
  "equals signs": (length) => "=".repeat(length),
  blanks: (length) => " ".repeat(length),
  "blanks around a name": (length) => `${" ".repeat(length / 2)}a=${" ".repeat(length / 2)}`,
  "blanks in every pair": (length) => "     ;".repeat(length / 6),
  "quotes and backslashes": (length) => `a="${"\\".repeat(length)}`,
  "percent signs": (length) => `a=${"%".repeat(length)}`,
  "one equals sign at the end": (length) => `${";".repeat(length)}=`,
  "an equals sign in the middle": (length) => `${";".repeat(length / 2)}a=b${";".repeat(length / 2)}`,
};

describe("[24] reading a Cookie header takes time in proportion to its length", () => {
  for (const [what, flood] of Object.entries(floods)) {
    test(what, () => {
      const [short, long] = [8_192, 16_384].map((length) => {
        const spy = counted(flood(length));
        receivedCookies(spy.header).get("a");
        return spy.looks();
      });
      assert.ok((long ?? 0) <= 2.2 * (short ?? 0) + 100, `${short} looks for 8 KiB, ${long} for 16 KiB`);
      assert.ok((long ?? 0) <= 260 * 16_384);
    });
  }

  test("and the number of cookies is capped", () => {
    const names = Array.from({ length: 5000 }, (_, at) => `a${at}`);
    const cookies = receivedCookies(names.map((name) => `${name}=x`).join("; "));
    assert.equal(names.filter((name) => cookies.has(name)).length, 256);
  });
});
