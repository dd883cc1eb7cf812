// Sessions in MariaDB, with five functions: `npm install mysql2`. The tests hold it to the contract of every store.

import { casStore } from "coatcheck/store";
import type { Pool, ResultSetHeader, RowDataPacket } from "mysql2/promise";

interface Row extends RowDataPacket {
  readonly id: string;
  readonly bytes: Buffer;
}

/** Creates the table if it is missing. Ids and subjects are compared byte by byte, which is not MariaDB's default. */
export async function createSessionTable(pool: Pool, table = "session"): Promise<void> {
  await pool.query(`CREATE TABLE IF NOT EXISTS ${table} (
    id CHAR(22) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY,
    revision BIGINT NOT NULL,
    subject VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    expires_at BIGINT NOT NULL,
    bytes MEDIUMBLOB NOT NULL,
    INDEX (subject),
    INDEX (expires_at)
  )`);
}

/** @param table is part of the statements: it must not come from a visitor. */
export function mariadbStore(pool: Pool, table = "session") {
  return casStore({
    name: "mariadb",

    async insert({ id, revision, subject, expiresAt, bytes }, timeout) {
      try {
        const sql = `${within(timeout)} INSERT INTO ${table} VALUES (?, ?, ?, ?, ?)`;
        await pool.execute(sql, [id, revision, subject, expiresAt, bytes]);
        return true;
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "ER_DUP_ENTRY") return false;
        throw error;
      }
    },

    async get(id) {
      const [rows] = await pool.execute<Row[]>(`SELECT bytes FROM ${table} WHERE id = ?`, [id]);
      return rows[0];
    },

    async replaceIf({ id, revision, subject, expiresAt, bytes }, expected, timeout) {
      const [{ affectedRows }] = await pool.execute<ResultSetHeader>(
        `${within(timeout)} UPDATE ${table} SET revision = ?, subject = ?, expires_at = ?, bytes = ?
         WHERE id = ? AND revision = ?`,
        [revision, subject, expiresAt, bytes, id, expected],
      );
      return affectedRows === 1;
    },

    async bySubject(subject, now) {
      const sql = `SELECT id, bytes FROM ${table} WHERE subject = ? AND expires_at > ?`;
      const [rows] = await pool.execute<Row[]>(sql, [subject, now]);
      return rows;
    },

    async sweep(now, limit) {
      // In two steps: a DELETE that looks for the rows itself locks more than them, and gets into deadlocks with updates.
      const sql = `SELECT id FROM ${table} WHERE expires_at <= ? LIMIT ${limit}`;
      const [rows] = await pool.execute<Row[]>(sql, [now]);
      if (rows.length === 0) return 0;
      const [{ affectedRows }] = await pool.query<ResultSetHeader>(
        `DELETE FROM ${table} WHERE id IN (?) AND expires_at <= ?`,
        [rows.map(({ id }) => id), now],
      );
      return affectedRows;
    },
  });
}

/**
 * Lets the server give up a write that waits too long for a lock, so that it is not carried out after the visitor was told that it failed. MySQL has
 * no such prefix: there, set `innodb_lock_wait_timeout` instead.
 */
function within(timeout: number): string {
  return `SET STATEMENT max_statement_time = ${Math.max(0.1, Math.floor(timeout / 100) / 10)} FOR`;
}
