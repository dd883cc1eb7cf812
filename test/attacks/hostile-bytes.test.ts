import assert from "node:assert/strict";
import { collectEvents } from "../support/events.ts";
import { hostileBlobs, visitorWithEverything } from "../support/hostile-bytes.ts";
import { testOnStores } from "../support/site.ts";
import { tampered } from "../support/store-calls.ts";

testOnStores(
  "[47][48] whatever lies in a field, it is a value, or absent with an event, and never a crash",
  async (site, t) => {
    const visitor = await visitorWithEverything(site);
    const [record] = await site.probe.records();
    assert.ok(record);
    const flash = [...record.fields.keys()].find((name) => name.startsWith("f:")) ?? "";
    const events = collectEvents(t);
    let refused = 0;
    for (const blob of hostileBlobs(5000)) {
      site.probe.around = tampered(() => ({
        ...record,
        fields: new Map([...record.fields, ["d:x", blob], [flash, blob], ["m:agent", blob]]),
      }));
      events.length = 0;
      const [value, other, messages] = await visitor.with((session) => [
        session.get("x"),
        session.get("y"),
        session.peekFlashes(),
      ]);
      assert.equal(visitor.last.status, 200);
      assert.equal(other, "untouched");
      assert.deepEqual(messages, []);
      if (value === undefined) {
        refused++;
        assert.ok(events.some((event) => event.type === "field-unreadable" && event.field === "d:x"));
      } else {
        // In memory nothing is sealed: noise may be JSON by chance, and is plain data then.
        assert.equal(site.store.inProcess, true);
        assert.notEqual(typeof value, "function");
      }
    }
    assert.ok(refused > 4000);
    assert.equal(({} as Record<string, unknown>)["admin"], undefined);
  },
);

testOnStores(
  "[48] every bit flip and truncation of a stored field reads as absent when it is sealed",
  async (site) => {
    const visitor = await visitorWithEverything(site);
    const [record] = await site.probe.records();
    const bytes = record?.fields.get("d:y") ?? new Uint8Array();
    const variants: Uint8Array[] = [];
    for (const [at, byte] of bytes.entries()) {
      for (let bit = 0; bit < 8; bit++) variants.push(Uint8Array.from(bytes).with(at, byte ^ (1 << bit)));
      variants.push(bytes.slice(0, at), bytes.slice(at + 1));
    }
    for (const variant of variants) {
      site.probe.around = tampered((stored) => ({ ...stored, fields: new Map([["d:y", variant]]) }));
      const value = await visitor.with((session) => session.get("y"));
      assert.equal(visitor.last.status, 200);
      if (!site.store.inProcess) assert.equal(value, undefined);
    }
  },
);
