import { ConfigError } from "../../errors.ts";
import { functionsOf } from "./functions.ts";
import { serverClock } from "./names.ts";
import type { SchemaNames } from "./names.ts";

/**
 * The versions of the schema, each as the statements that lead to it from the one before.
 * Later versions are added at the end; one that is out is never changed, and none takes away what an
 * older release calls, so that the releases of a rolling deployment get along.
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
      // What is sealed can't be compressed.
      `ALTER TABLE ${qualified} ALTER COLUMN fields SET STORAGE EXTERNAL`,
      `CREATE INDEX "${table}_subject" ON ${qualified} (subject) WHERE subject IS NOT NULL`,
      `CREATE INDEX "${table}_expiry" ON ${qualified} (expires_at)`,
    ],
    // What stood here made the same functions without limits. Whoever calls them as before is answered as before.
    [],
    functionsOf(names),
  ];
}

/** Stands before the version in the comment on the table. */
const mark = "coatcheck sessions, version ";

/** What a look at the database found. */
export interface Found {
  readonly clock: number;
  /** The version of the schema; 0 when there is no table. */
  readonly version: number;
  /** What makes sessions less durable than people expect, by the code of the warning that says so. */
  readonly weaknesses: Readonly<Record<string, string>>;
}

/** Looks at the database; needs no rights. Answers what {@link found} reads. */
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

/** @throws ConfigError CONFIG_INVALID when the database can't be used, or the table is somebody else's. */
export function found(answer: string | null | undefined, { schema, table }: SchemaNames): Found {
  const seen: Partial<Record<string, unknown>> = JSON.parse(answer ?? "{}");
  const name = `${schema}.${table}`;
  if (Number(seen["server"]) < 120_000) {
    throw new ConfigError("CONFIG_INVALID", "The postgres store needs PostgreSQL 12 or newer.");
  }
  if (seen["encoding"] !== "UTF8") {
    throw new ConfigError(
      "CONFIG_INVALID",
      "The postgres store needs a database whose encoding is UTF8: createdb --encoding=UTF8 --template=template0.",
    );
  }
  const comment = String(seen["comment"]);
  const version =
    seen["exists"] === true ? Number(comment.startsWith(mark) && comment.slice(mark.length)) : 0;
  if (seen["exists"] === true && !(version >= 1)) {
    throw new ConfigError(
      "CONFIG_INVALID",
      `There is a table ${name} that coatcheck did not make, or its comment was changed; name another with \`table\`.`,
    );
  }
  const weaknesses: Record<string, string> = {};
  if (seen["persistence"] === "u") {
    weaknesses["COATCHECK_POSTGRES_UNLOGGED"] =
      `The table ${name} is UNLOGGED: after a crash of PostgreSQL all sessions are gone. ALTER TABLE ${name} SET LOGGED keeps them.`;
  }
  if (seen["fsync"] === "off") {
    weaknesses["COATCHECK_POSTGRES_FSYNC_OFF"] =
      "PostgreSQL runs with fsync = off: after a loss of power the database may be damaged, sessions among it.";
  }
  if (seen["commit"] === "off") {
    weaknesses["COATCHECK_POSTGRES_COMMIT_OFF"] =
      'PostgreSQL runs with synchronous_commit = off: after a crash the last logouts may be undone. durability: "full" waits for them.';
  }
  return { clock: Number(seen["clock"]), version, weaknesses };
}

/** The version that this release works with. */
export function latestVersion(names: SchemaNames): number {
  return migrations(names).length;
}

/**
 * Everything up to the latest version, in one statement: processes that start together take turns at
 * an advisory lock that ends with it, and find done what the first one did.
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
