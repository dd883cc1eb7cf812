import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "../../../src/errors.ts";
import { serverFrom } from "../../../src/stores/mysql/schema.ts";

function serverWith(settings: Readonly<Record<string, string>>) {
  return serverFrom(Object.entries(settings).map((row) => row.map((cell) => Buffer.from(cell))));
}

test("a server that is too old is refused, and one that does not say how old it is", () => {
  for (const version of ["5.7.44", "10.5.29-MariaDB", "10.5.29-MariaDB-log", "", "unknown"]) {
    assert.throws(() => serverWith({ version }), ConfigError, version);
  }
  for (const [version, isMariadb] of [
    ["8.0.11", false],
    ["9.4.0", false],
    ["8.4.7-commercial", false],
    ["10.6.0-MariaDB", true],
    ["11.8.3-MariaDB-ubu2404", true],
  ] as const) {
    assert.equal(serverWith({ version }).isMariadb, isMariadb, version);
  }
});

test("settings that lose sessions are named, and no others", () => {
  const version = "8.0.46";
  const codes = (settings: Readonly<Record<string, string>>) =>
    Object.keys(serverWith({ version, ...settings }).weaknesses);
  const safe = { innodb_flush_log_at_trx_commit: "1", log_bin: "ON", binlog_format: "ROW", autocommit: "ON" };
  assert.deepEqual(codes(safe), []);
  assert.deepEqual(codes({}), []);
  assert.deepEqual(codes({ ...safe, binlog_format: "MIXED" }), []);
  assert.deepEqual(codes({ ...safe, log_bin: "OFF", binlog_format: "STATEMENT" }), []);
  assert.deepEqual(codes({ ...safe, binlog_format: "STATEMENT" }), ["COATCHECK_MYSQL_BINLOG_STATEMENT"]);
  for (const value of ["0", "2"]) {
    assert.deepEqual(codes({ ...safe, innodb_flush_log_at_trx_commit: value }), [
      "COATCHECK_MYSQL_FLUSH_OFF",
    ]);
  }
  assert.throws(() => serverWith({ ...safe, version, autocommit: "OFF" }), /needs autocommit/);
});
