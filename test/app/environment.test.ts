import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";
import { ConfigError } from "coatcheck";
import { readEnvironment } from "../../app/environment.ts";

const store = (STORE: string) => readEnvironment({ STORE }).store;

test("STORE names the store, and what it takes for itself does not reach the client", () => {
  assert.deepEqual(readEnvironment({}).store, { kind: "sqlite" });
  assert.deepEqual(store(""), { kind: "sqlite" });
  assert.deepEqual(store("memory:"), { kind: "memory" });
  assert.deepEqual(store("sqlite:data/a b.db"), { kind: "sqlite", path: "data/a b.db" });
  assert.deepEqual(store("sqlite:/var/lib/site/s.db"), { kind: "sqlite", path: "/var/lib/site/s.db" });
  assert.deepEqual(store("redis://:a%40b@cache.example:6380/3?prefix=shop:"), {
    kind: "redis",
    url: "redis://:a%40b@cache.example:6380/3",
    place: "Redis at cache.example:6380",
    prefix: "shop:",
  });
  assert.deepEqual(store("rediss://[::1]"), {
    kind: "redis",
    url: "rediss://[::1]",
    place: "Redis at [::1]",
  });
  assert.deepEqual(store("postgres://u:p@db.example/shop?sslmode=require&schema=s&table=t"), {
    kind: "postgres",
    url: "postgres://u:p@db.example/shop?sslmode=require",
    place: "PostgreSQL at db.example",
    schema: "s",
    table: "t",
  });
  assert.deepEqual(store("postgresql:///shop?host=/run/postgresql"), {
    kind: "postgres",
    url: "postgresql:///shop?host=%2Frun%2Fpostgresql",
    place: "PostgreSQL",
  });
  assert.deepEqual(store("mysql://u:p@db.example/shop?charset=utf8mb4&table=t"), {
    kind: "mysql",
    url: "mysql://u:p@db.example/shop?charset=utf8mb4",
    place: "MySQL at db.example",
    table: "t",
  });
  assert.deepEqual(store("mariadb://u:a%40b@db.example:3307/shop"), {
    kind: "mysql",
    url: "mariadb://u:a%40b@db.example:3307/shop",
    place: "MariaDB at db.example:3307",
  });
});

for (const [text, reason] of [
  ["hunter2", /must be one of/],
  ["user:hunter2@db.example", /must be one of/],
  ["mongodb://user:hunter2@db.example/shop", /must be one of/],
  ["mysql:hunter2", /looks like mysql:/],
  ["mysql://user:hunter2@db.example", /looks like mysql:/],
  ["mysql://user:hunter2@db.example/", /looks like mysql:/],
  ["mysql://user:hunter2/x@db.example/shop", /no valid URL/],
  ["redis:hunter2", /looks like redis:/],
  ["redis://", /looks like redis:/],
  ["redis://:hunter2@cache.example/shop", /looks like redis:/],
  ["redis://:hunter2@cache.example?tls=yes", /looks like redis:/],
  ["redis://:hunter2/x@cache.example", /no valid URL/],
  ["redis://:hunter2#x@cache.example", /no valid URL/],
  ["redis://user:2%zzhunter2@cache.example", /no valid URL/],
  ["postgres://hunter2:42/x@db.example/shop", /no valid URL/],
  ["postgres://hunter2:42?x@db.example/shop", /no valid URL/],
  ["postgres://hunter2:42#x@db.example/shop", /no valid URL/],
  ["sqlite:", /path of a file/],
  ["sqlite://hunter2", /path of a file/],
  ["sqlite::memory:", /must be memory:/],
] as const) {
  test(`STORE=${text} is refused, and not repeated`, () => {
    assert.throws(
      () => store(text),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, reason);
        assert.doesNotMatch(inspect(error, { showHidden: true }).replace(/\n {4}at [^]*/, ""), /hunter2/);
        return true;
      },
    );
  });
}

test("PROXIES is a number of proxies, none unless set", () => {
  assert.equal(readEnvironment({}).proxies, 0);
  assert.equal(readEnvironment({ PROXIES: "2" }).proxies, 2);
  for (const PROXIES of ["-1", "1.5", "17", "all"])
    assert.throws(() => readEnvironment({ PROXIES }), /PROXIES is ".+"; it must be a number from 0 to 16/);
});

test("WORKERS is a number of processes, and more than one do not keep sessions in memory", () => {
  assert.equal(readEnvironment({}).workers, 1);
  assert.equal(readEnvironment({ WORKERS: "4" }).workers, 4);
  for (const WORKERS of ["0", "-1", "1.5", "65", "many"])
    assert.throws(() => readEnvironment({ WORKERS }), /WORKERS is ".+"; it must be a number from 1 to 64/);
  assert.throws(() => readEnvironment({ WORKERS: "2", STORE: "memory:" }), /logged out at random/);
  assert.equal(readEnvironment({ WORKERS: "1", STORE: "memory:" }).store.kind, "memory");
});
