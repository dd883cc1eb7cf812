import { ConfigError } from "../../errors.ts";
import { functionsOf } from "./functions.ts";
import { serverClock } from "./names.ts";
import type { SchemaNames } from "./names.ts";

/**
 * The statements that lead to each version of the schema from the one before. Add new versions at the end.
 * Never change a released one, and never remove what an older release calls, so that several releases can run
 * during a rolling deployment.
 */
function migrations(names: SchemaNames): readonly (readonly string[])[] {
  const { qualified, table } = names;
  return [
    [
      `CREATE TABLE ${qualified} (
        id text COLLATE "C" NOT NULL PRIMARY KEY, epoch bigint NOT NULL, revision bigint NOT NULL,
        verifier bytea NOT NULL, ticket_at bigint NOT NULL, subject text COLLATE "C",
        created_at bigint NOT NULL, authenticated_at bigint, last_seen_at bigint NOT NULL,
        idle_timeout bigint NOT NULL, absolute_deadline bigint NOT NULL, permanent boolean NOT NULL,
        expires_at bigint NOT NULL
          GENERATED ALWAYS AS (least(last_seen_at + idle_timeout, absolute_deadline)) STORED,
        fields jsonb NOT NULL
      ) WITH (fillfactor = 80)`,
      // Sealed values can't be compressed.
      `ALTER TABLE ${qualified} ALTER COLUMN fields SET STORAGE EXTERNAL`,
      `CREATE INDEX "${table}_subject" ON ${qualified} (subject) WHERE subject IS NOT NULL`,
      `CREATE INDEX "${table}_expiry" ON ${qualified} (expires_at)`,
    ],
    // This version made the same functions without limits. They keep working for releases that call them.
    [],
    functionsOf(names),
  ];
}

/** Precedes the version in the table's comment. */
const mark = "coatcheck sessions, version ";

/** The result of inspecting the database. */
export interface Found {
  readonly clock: number;
  /** The version of the schema; 0 if there is no table. */
  readonly version: number;
  /** Settings that make sessions less durable than people expect: warning messages by code. */
  readonly weaknesses: Readonly<Record<string, string>>;
}

/** A query that inspects the database and needs no privileges. {@link found} reads its result. */
export function inspection({ schema, table }: SchemaNames): string {
  return `SELECT json_build_object('clock', ${serverClock},
      'server', current_setting('server_version_num')::int, 'encoding', current_setting('server_encoding'),
      'fsync', current_setting('fsync', true), 'commit', current_setting('synchronous_commit', true),
      'exists', c.oid IS NOT NULL, 'comment', obj_description(c.oid, 'pg_class'), 'persistence', c.relpersistence
    )::text
    FROM (VALUES (1)) AS always LEFT JOIN (
      SELECT c.oid, c.relpersistence FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE n.nspname = '${schema}' AND c.relname = '${table}' AND c.relkind IN ('r', 'p')
    ) AS c ON true`;
}

/** @throws ConfigError CONFIG_INVALID if the database is unsuitable, or coatcheck did not make the table. */
export function found(answer: string | null | undefined, { schema, table }: SchemaNames): Found {
  const seen: Partial<Record<string, unknown>> = JSON.parse(answer ?? "{}");
  const name = `${schema}.${table}`;
  if (Number(seen["server"]) < 120_000) {
    throw new ConfigError("CONFIG_INVALID", "The postgres store needs PostgreSQL 12 or newer.");
  }
  if (seen["encoding"] !== "UTF8") {
    throw new ConfigError(
      "CONFIG_INVALID",
      "The postgres store needs a database with the encoding UTF8: createdb --encoding=UTF8 --template=template0.",
    );
  }
  const comment = String(seen["comment"]);
  const version =
    seen["exists"] === true ? Number(comment.startsWith(mark) && comment.slice(mark.length)) : 0;
  if (seen["exists"] === true && !(version >= 1)) {
    throw new ConfigError(
      "CONFIG_INVALID",
      `Coatcheck did not make the table ${name}, or its comment was changed. Name another with the option table.`,
    );
  }
  const weaknesses: Record<string, string> = {};
  if (seen["persistence"] === "u") {
    weaknesses["COATCHECK_POSTGRES_UNLOGGED"] =
      `The table ${name} is UNLOGGED: a crash of PostgreSQL deletes all sessions. ALTER TABLE ${name} SET LOGGED prevents that.`;
  }
  if (seen["fsync"] === "off") {
    weaknesses["COATCHECK_POSTGRES_FSYNC_OFF"] =
      "PostgreSQL runs with fsync = off: a power failure may damage the database, including the sessions.";
  }
  if (seen["commit"] === "off") {
    weaknesses["COATCHECK_POSTGRES_COMMIT_OFF"] =
      'PostgreSQL runs with synchronous_commit = off: a crash may undo the last logouts. With durability: "full", writes wait for the disk.';
  }
  return { clock: Number(seen["clock"]), version, weaknesses };
}

/** The version that this release needs. */
export function latestVersion(names: SchemaNames): number {
  return migrations(names).length;
}

/**
 * Migrates to the latest version in one statement. Processes that start together take turns through an
 * advisory lock that is held until the statement ends; all but the first find nothing left to do.
 */
export function migration(names: SchemaNames): string {
  const { schema, table, qualified } = names;
  const steps = migrations(names).map((statements, done) => {
    const all = [...statements, `COMMENT ON TABLE ${qualified} IS '${mark}${done + 1}'`];
    const runs = all.map((statement) => `EXECUTE $statement$${statement}$statement$;`).join("\n");
    return `IF version <= ${done} THEN ${runs} END IF;`;
  });
  return `DO $migration$
    DECLARE version integer;
    BEGIN
      PERFORM set_config('lock_timeout', '10s', true);
      PERFORM pg_advisory_xact_lock(hashtextextended('coatcheck ${schema}.${table}', 0));
      IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = '${schema}') THEN
        CREATE SCHEMA "${schema}";
      END IF;
      SELECT coalesce(max(substr(obj_description(c.oid, 'pg_class'), ${mark.length + 1})::integer), 0) INTO version
        FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = '${schema}' AND c.relname = '${table}'
          AND obj_description(c.oid, 'pg_class') ~ '^${mark}[0-9]+$';
      ${steps.join("\n")}
    END $migration$`;
}
