import { serverClock } from "./names.ts";
import type { SchemaNames } from "./names.ts";

/**
 * The functions that do the store's calls: locks are taken first, then the time is looked at, then
 * `applyPatch`'s rules are followed. Why functions: docs/decisions/030. Those that many requests need do
 * several calls in one statement, given and answered as a JSON array of them: docs/decisions/033.
 *
 * Nothing in their declarations names the table, which would wait for its lock before `timeout_ms` is set.
 * All take `timeout_ms`, how many milliseconds they may wait for locks: a call whose visitor has been
 * told 503 must not go on waiting here. Those that write also take `latest`, the moment on the server's
 * own clock after which they change nothing any more, and `durable`, 1 to wait for the disk.
 */
export function functionsOf({ qualified, call }: SchemaNames): readonly string[] {
  return [
    `CREATE OR REPLACE FUNCTION ${call("create")}(timeout_ms integer, latest bigint, durable integer, records text)
    RETURNS text ${language} AS $body$
    DECLARE
      given jsonb;
      outcomes json[] := '{}';
    BEGIN
      ${waiting} ${durability}
      LOCK TABLE ${qualified} IN ROW EXCLUSIVE MODE;
      FOR given IN SELECT jsonb_array_elements(records::jsonb) LOOP
        IF ${isLate} THEN
          ${outcome("'kind', 'late'")} CONTINUE;
        END IF;
        INSERT INTO ${qualified} (id, ${columns.map(([name]) => name).join(", ")}, revision, fields)
        VALUES (given->>'id', ${columns.map(([name, type]) => read(type, `given->>'${name}'`)).join(", ")},
          (given->>'revision')::bigint, given->'fields')
        ON CONFLICT (id) DO NOTHING;
        ${outcome(`'kind', CASE WHEN FOUND THEN 'created' ELSE 'taken' END`)}
      END LOOP;
      RETURN ${answer("'outcomes', array_to_json(outcomes)")};
    END $body$`,

    `CREATE OR REPLACE FUNCTION ${call("read")}(timeout_ms integer, wanted text) RETURNS text ${language} AS $body$
    DECLARE records json;
    BEGIN
      ${waiting}
      SELECT json_agg((
        SELECT ${recordOf("held")} FROM ${qualified} AS held
          WHERE held.id = one->>'id' AND held.expires_at > (one->>'now')::bigint
      ) ORDER BY place) INTO records
        FROM json_array_elements(wanted::json) WITH ORDINALITY AS calls(one, place);
      RETURN ${answer("'records', records")};
    END $body$`,

    // Of several, none waits for another's row: who would have to is skipped, and comes again alone.
    `CREATE OR REPLACE FUNCTION ${call("patch")}(timeout_ms integer, latest bigint, durable integer, patches text)
    RETURNS text ${language} AS $body$
    DECLARE
      all_patches jsonb := patches::jsonb;
      alone boolean := jsonb_array_length(all_patches) = 1;
      patch jsonb;
      changed jsonb;
      held record;
      kept jsonb;
      removed text[];
      oldest text[];
      passed text;
      outcomes json[] := '{}';
    BEGIN
      ${waiting} ${durability}
      LOCK TABLE ${qualified} IN ROW EXCLUSIVE MODE;
      FOR patch IN SELECT jsonb_array_elements(all_patches) LOOP
        IF alone THEN
          SELECT * INTO held FROM ${qualified} WHERE ${patchable} FOR NO KEY UPDATE;
        ELSE
          SELECT * INTO held FROM ${qualified} WHERE ${patchable} FOR NO KEY UPDATE SKIP LOCKED;
        END IF;
        IF NOT FOUND THEN
          ${outcome("'kind', CASE WHEN alone THEN 'gone' ELSE 'skipped' END")} CONTINUE;
        END IF;
        IF ${isLate} THEN
          ${outcome("'kind', 'late'")} CONTINUE;
        END IF;
        IF held.verifier <> decode(patch->>'verifier', 'hex') OR EXISTS (
          SELECT FROM jsonb_each_text(patch->'expect') AS expected
            WHERE held.fields->>expected.key IS DISTINCT FROM expected.value
        ) THEN
          ${outcome(`'kind', 'conflict', 'record', ${recordOf("held")}`)} CONTINUE;
        END IF;
        kept := held.fields;
        IF patch ? 'retain' THEN
          SELECT coalesce(jsonb_object_agg(field.key, field.value), '{}') INTO kept
            FROM jsonb_each(kept) AS field WHERE patch->'retain' ? field.key;
        END IF;
        removed := '{}';
        IF patch ? 'remove' THEN
          removed := ARRAY(SELECT name FROM jsonb_array_elements_text(patch->'remove') AS name WHERE kept ? name);
          kept := kept - removed;
        END IF;
        IF patch ? 'set' THEN kept := kept || (patch->'set'); END IF;
        IF patch ? 'limits' AND (patch->'limits'->>'countedAt')::bigint IS DISTINCT FROM held.revision THEN
          SELECT CASE
              WHEN after_bytes > (patch->'limits'->>'bytes')::bigint AND after_bytes > bytes THEN 'bytes'
              WHEN after_fields > (patch->'limits'->>'fields')::bigint AND after_fields > fields THEN 'fields'
            END INTO passed
            FROM (${totalOf("kept")}) AS after (after_bytes, after_fields),
              (${totalOf("held.fields")}) AS before (bytes, fields);
          IF passed IS NOT NULL THEN
            ${outcome("'kind', 'full', 'limit', passed")} CONTINUE;
          END IF;
        END IF;
        IF patch ? 'newest' THEN
          oldest := ARRAY(SELECT name FROM jsonb_object_keys(kept) AS name
            WHERE starts_with(name, patch->'newest'->>'prefix')
            ORDER BY name COLLATE "C" DESC OFFSET (patch->'newest'->>'count')::bigint);
          kept := kept - oldest;
          removed := removed || oldest;
        END IF;
        changed := patch->'columns';
        IF changed IS NULL THEN
          UPDATE ${qualified} SET revision = held.revision + 1, fields = kept WHERE id = held.id;
        ELSE
          UPDATE ${qualified} SET revision = held.revision + 1, fields = kept,
            ${columns.map(([name, type]) => `${name} = ${changed(name, type)}`).join(", ")}
            WHERE id = held.id;
        END IF;
        ${outcome("'kind', 'applied', 'revision', held.revision + 1, 'removed', to_json(removed)")}
      END LOOP;
      RETURN ${answer("'outcomes', array_to_json(outcomes)")};
    END $body$`,

    `CREATE OR REPLACE FUNCTION ${call("list")}(timeout_ms integer, wanted text, moment bigint)
    RETURNS SETOF text ${language} AS $body$
    BEGIN
      ${waiting}
      RETURN QUERY SELECT ${recordOf("held")}::text FROM ${qualified} AS held
        WHERE held.subject = wanted AND ${unindexedExpiry} > moment;
    END $body$`,

    `CREATE OR REPLACE FUNCTION ${call("sweep")}(timeout_ms integer, moment bigint, most bigint)
    RETURNS text ${language} AS $body$
    DECLARE deleted bigint;
    BEGIN
      ${waiting}
      WITH ended AS MATERIALIZED (
        SELECT id FROM ${qualified} WHERE expires_at <= moment ORDER BY expires_at LIMIT most FOR UPDATE SKIP LOCKED
      )
      DELETE FROM ${qualified} AS held USING ended WHERE held.id = ended.id;
      GET DIAGNOSTICS deleted = ROW_COUNT;
      RETURN deleted::text;
    END $body$`,
  ];
}

/** How much there is of the fields that a patch limits: a base64 digit is six bits, and "=" none. */
function totalOf(fields: string): string {
  return `SELECT coalesce(sum(octet_length(key) + length(rtrim(value, '=')) * 3 / 4), 0), count(*)
              FROM jsonb_each_text(${fields}) WHERE starts_with(key, patch->'limits'->>'prefix')`;
}

/** Nothing of the caller's session, its search path least of all, decides what a name means. */
const language = "LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp";

const waiting = "PERFORM set_config('lock_timeout', greatest(timeout_ms, 1)::text, true);";

/** At least what "on" waits for; until the end of this transaction. */
const durability = `IF durable = 1 AND current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN
        PERFORM set_config('synchronous_commit', 'on', true);
      END IF;`;

/** Stands behind everything that may wait, and before everything that changes. */
const isLate = `${serverClock} > latest`;

/** The row of a patch, if it may be patched. */
const patchable =
  "id = patch->>'id' AND epoch = (patch->>'epoch')::bigint AND expires_at > (patch->>'now')::bigint";

function outcome(parts: string): string {
  return `outcomes := outcomes || json_build_object(${parts});`;
}

/**
 * As a sum, the expiry is no match for its index: before a table is first analyzed, PostgreSQL would
 * read that index whole beside the subject's.
 */
const unindexedExpiry = "held.expires_at + 0";

/** Every answer says what time it is here, so that the caller can say `latest` the next time. */
function answer(parts: string): string {
  return `json_build_object('clock', ${serverClock}, ${parts})::text`;
}

type ColumnType = "bigint" | "boolean" | "bytea" | "text";

/** The columns that a patch may change. */
const columns: readonly (readonly [name: string, type: ColumnType])[] = [
  ["epoch", "bigint"],
  ["verifier", "bytea"],
  ["ticket_at", "bigint"],
  ["subject", "text"],
  ["created_at", "bigint"],
  ["authenticated_at", "bigint"],
  ["last_seen_at", "bigint"],
  ["idle_timeout", "bigint"],
  ["absolute_deadline", "bigint"],
  ["permanent", "boolean"],
];

function read(type: ColumnType, text: string): string {
  return type === "bytea" ? `decode(${text}, 'hex')` : `(${text})::${type}`;
}

function changed(name: string, type: ColumnType): string {
  return `CASE WHEN changed ? '${name}' THEN ${read(type, `changed->>'${name}'`)} ELSE held.${name} END`;
}

/** A row as JSON that `recordFrom` reads. Bytes are hexadecimal whatever `bytea_output` says. */
function recordOf(row: string): string {
  const parts = columns.map(([name, type]) => {
    const value = `${row}.${name}`;
    if (type === "bytea") return `'${name}', encode(${value}, 'hex')`;
    return `'${name}', ${type === "boolean" ? `${value}::integer` : value}`;
  });
  return `json_build_object('id', ${row}.id, 'revision', ${row}.revision, ${parts.join(", ")}, 'fields', ${row}.fields)`;
}
