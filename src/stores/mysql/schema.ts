import { ConfigError } from "../../errors.ts";
import type { Cell } from "./connection.ts";

/**
 * The server's clock, in milliseconds since 1970 UTC. `UTC_TIMESTAMP` is the start of the statement in every session time
 * zone; the difference of the other two is how long it has been running, waits for locks included.
 */
export const serverClock =
  "((TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) + TIMESTAMPDIFF(MICROSECOND, NOW(6), SYSDATE(6))) DIV 1000)";

/** Precedes the version in the table's comment. */
const mark = "coatcheck sessions, version ";

/**
 * The statement that leads to each version. Each sets the comment too, so that it is executed as a whole or not at all.
 * If several processes execute it at the same time, all but one fail, and then find the version in place.
 */
function migrations(table: string): readonly string[] {
  return [
    // Ids and subjects are bytes, so that neither collations nor the character set of a connection change them.
    `CREATE TABLE \`${table}\` (
      \`id\` VARBINARY(22) NOT NULL PRIMARY KEY,
      \`revision\` BIGINT NOT NULL,
      \`subject\` VARBINARY(1020) NULL,
      \`expires_at\` BIGINT NOT NULL,
      \`record\` MEDIUMBLOB NOT NULL,
      KEY \`subject\` (\`subject\`),
      KEY \`expires_at\` (\`expires_at\`)
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='${mark}1'`,
  ];
}

/** The statements that bring a table from a version to the one that this release needs. */
export function migrationsFrom(version: number, table: string): readonly string[] {
  return migrations(table).slice(version);
}

/** A query of the server's settings that needs no privileges. {@link serverFrom} reads its result. */
export const settingsQuery =
  "SHOW VARIABLES WHERE Variable_name IN ('autocommit', 'binlog_format', 'innodb_flush_log_at_trx_commit', 'log_bin', 'version')";

/** What matters of the server. */
export interface Server {
  readonly isMariadb: boolean;
  /** Settings that make sessions less durable than people expect: warning messages by code. */
  readonly weaknesses: Readonly<Record<string, string>>;
}

/** @throws ConfigError CONFIG_INVALID if the server is unsuitable. */
export function serverFrom(rows: readonly (readonly Cell[])[]): Server {
  const settings = new Map(rows.map(([name, value]) => [String(name).toLowerCase(), String(value)]));
  const version = settings.get("version") ?? "";
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  const number = Number(major) * 100 + Number(minor);
  const isMariadb = /mariadb/i.test(version);
  if (!(number >= (isMariadb ? 1006 : 800))) {
    throw new ConfigError("CONFIG_INVALID", "The mysql store needs MySQL 8.0 or MariaDB 10.6, or newer.");
  }
  if (settings.get("autocommit") === "OFF") {
    throw new ConfigError(
      "CONFIG_INVALID",
      "The mysql store needs autocommit, which is off on the client's connections: no write would ever be committed.",
    );
  }
  const weaknesses: Record<string, string> = {};
  const flush = settings.get("innodb_flush_log_at_trx_commit");
  if (flush === "0" || flush === "2") {
    weaknesses["COATCHECK_MYSQL_FLUSH_OFF"] =
      `The database runs with innodb_flush_log_at_trx_commit = ${flush}: a loss of power may undo the last logouts. With 1, writes wait for the disk.`;
  }
  if (settings.get("log_bin") === "ON" && settings.get("binlog_format") === "STATEMENT") {
    weaknesses["COATCHECK_MYSQL_BINLOG_STATEMENT"] =
      "The database runs with binlog_format = STATEMENT: replicas will miss writes of sessions. Use ROW or MIXED.";
  }
  return { isMariadb, weaknesses };
}

/** A query that inspects the table, which need not exist. {@link tableFrom} reads its result. */
export function tableQuery(table: string): string {
  // Compared byte by byte where the server itself tells apart names by their case.
  const exactly = `@@lower_case_table_names <> 0 OR CAST(t.TABLE_NAME AS BINARY) = x'${Buffer.from(table).toString("hex")}'`;
  return `SELECT ${serverClock}, DATABASE(), t.ENGINE, t.TABLE_COMMENT FROM (SELECT 1) AS always
    LEFT JOIN information_schema.TABLES AS t
    ON t.TABLE_SCHEMA = DATABASE() AND t.TABLE_NAME = '${table}' AND (${exactly})`;
}

/** The result of inspecting the table. */
export interface Found {
  readonly clock: number;
  /** The version of the schema; 0 if there is no table. */
  readonly version: number;
}

/** @throws ConfigError CONFIG_INVALID if there is no database, or coatcheck did not make the table. */
export function tableFrom([row]: readonly (readonly Cell[])[], table: string): Found {
  const [clock, database, engine, comment] = (row ?? []).map((cell) =>
    cell === null ? undefined : String(cell),
  );
  if (database === undefined) {
    throw new ConfigError("CONFIG_INVALID", "client must name a database: createPool({ …, database }).");
  }
  const exists = comment !== undefined;
  const version = exists ? Number(comment.startsWith(mark) && comment.slice(mark.length)) : 0;
  if (exists && !(version >= 1)) {
    throw new ConfigError(
      "CONFIG_INVALID",
      `Coatcheck did not make the table ${table}, or its comment was changed. Name another with the option table.`,
    );
  }
  if (exists && engine?.toLowerCase() !== "innodb") {
    throw new ConfigError(
      "CONFIG_INVALID",
      `The table ${table} needs the storage engine InnoDB: ALTER TABLE ${table} ENGINE=InnoDB.`,
    );
  }
  return { clock: Number(clock), version };
}
