import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { openDatabase } from "./database.ts";
import { isColour } from "./colours.ts";
import type { Colour } from "./colours.ts";
import { nameClaims, nameKey, normalizeName } from "./names.ts";
import type { Passwords } from "./passwords.ts";

/** An account. */
export type User = {
  id: string;
  name: string;
  passwordHash: string;
  note: string;
  colour: Colour;
  lastLogin: Login | undefined;
};

/** When somebody logged in, and the User-Agent of the browser. */
export type Login = { at: Date; agent: string };

/** The longest note, in UTF-16 units, as browsers count for maxlength. The form has the same limit. */
export const MAX_NOTE_CHARACTERS = 500;

/** The account in a new database, so that the first visitor can log in at once. */
export const DEMO = { name: "leo", password: "1234", note: "Buy milk. Return the umbrella." } as const;

/** The accounts, in their own SQLite file. */
export class Users {
  readonly #db: DatabaseSync;

  constructor(dataDir: string, passwords: Passwords) {
    this.#db = openDatabase(join(dataDir, "users.db"), [
      (db) => {
        db.exec(`CREATE TABLE users (
          id TEXT PRIMARY KEY,
          name TEXT NOT NULL,
          name_key TEXT NOT NULL UNIQUE,
          password_hash TEXT NOT NULL,
          note TEXT NOT NULL DEFAULT '',
          colour TEXT NOT NULL DEFAULT 'green'
        ) STRICT`);
        // Only in a new database, so that a demo account that the operator deleted stays deleted.
        db.prepare("INSERT INTO users (id, name, name_key, password_hash, note) VALUES (?, ?, ?, ?, ?)").run(
          randomUUID(),
          DEMO.name,
          nameKey(DEMO.name),
          passwords.hashAtStart(DEMO.password),
          DEMO.note,
        );
      },
      (db) => {
        db.exec("CREATE TABLE claims (claim TEXT PRIMARY KEY, user_id TEXT NOT NULL) STRICT, WITHOUT ROWID");
        const claim = db.prepare("INSERT OR IGNORE INTO claims (claim, user_id) VALUES (?, ?)");
        for (const { id, name } of db.prepare("SELECT id, name FROM users ORDER BY rowid").all())
          for (const text of nameClaims(String(name))) claim.run(text, String(id));
      },
      (db) => {
        db.exec(`ALTER TABLE users ADD COLUMN login_at INTEGER;
          ALTER TABLE users ADD COLUMN login_agent TEXT NOT NULL DEFAULT '';
          CREATE TABLE devices (session TEXT PRIMARY KEY, subject TEXT NOT NULL, name TEXT NOT NULL) STRICT, WITHOUT ROWID`);
        // From here on nobody can change the demo account, and what was changed before is undone.
        db.prepare("UPDATE users SET password_hash = ?, note = ?, colour = 'green' WHERE name_key = ?").run(
          passwords.hashAtStart(DEMO.password),
          DEMO.note,
          nameKey(DEMO.name),
        );
      },
    ]);
  }

  /** Finds an account by the name that someone typed. */
  byName(typed: string): User | undefined {
    return asUser(this.#db.prepare("SELECT * FROM users WHERE name_key = ?").get(nameKey(typed)));
  }

  /** Finds an account by its id, or by the subject of a session: for the demo account, a place follows its id. */
  byId(subject: string): User | undefined {
    const [id = ""] = subject.split("@", 1);
    return asUser(this.#db.prepare("SELECT * FROM users WHERE id = ?").get(id));
  }

  /** Creates an account. Returns `undefined` if the name or a similar-looking one is taken. The database decides ties. */
  create(name: string, passwordHash: string): User | undefined {
    if (nameKey(name) === DEMO.name) return undefined;
    const id = randomUUID();
    const claim = this.#db.prepare(
      "INSERT INTO claims (claim, user_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
    );
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const isFree =
        nameClaims(name).every((text) => claim.run(text, id).changes === 1) &&
        this.#db
          .prepare(
            "INSERT INTO users (id, name, name_key, password_hash) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
          )
          .run(id, normalizeName(name), nameKey(name), passwordHash).changes === 1;
      this.#db.exec(isFree ? "COMMIT" : "ROLLBACK");
      return isFree ? this.byId(id) : undefined;
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  /** Stores the user's note and colour. */
  saveProfile(id: string, note: string, colour: Colour): void {
    this.#db.prepare("UPDATE users SET note = ?, colour = ? WHERE id = ?").run(note, colour, id);
  }

  /**
   * Replaces a password hash if it is still the one that was checked. Of two concurrent changes, one wins and the
   * other returns `false`.
   */
  replacePassword(id: string, checked: string, next: string): boolean {
    const { changes } = this.#db
      .prepare("UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?")
      .run(next, id, checked);
    return changes === 1;
  }

  /** Stores when the user logged in, and with what. */
  noteLogin(id: string, { at, agent }: Login): void {
    this.#db
      .prepare("UPDATE users SET login_at = ?, login_agent = ? WHERE id = ?")
      .run(at.getTime(), agent.slice(0, 256), id);
  }

  /** The names that the user gave to browsers, by the ids of their sessions. */
  deviceNames(subject: string): Map<string, string> {
    const rows = this.#db.prepare("SELECT session, name FROM devices WHERE subject = ?").all(subject);
    return new Map(rows.map(({ session, name }) => [String(session), String(name)]));
  }

  /** Names a browser; an empty name removes it. The names of sessions that are not in `open` are dropped. */
  nameDevice({
    subject,
    session,
    name,
    open,
  }: {
    subject: string;
    session: string;
    name: string;
    open: readonly { id: string }[];
  }): void {
    const drop = this.#db.prepare("DELETE FROM devices WHERE session = ?");
    for (const known of this.deviceNames(subject).keys())
      if (known === session || !open.some(({ id }) => id === known)) drop.run(known);
    if (name === "") return;
    this.#db
      .prepare("INSERT INTO devices (session, subject, name) VALUES (?, ?, ?)")
      .run(session, subject, name);
  }

  /** Deletes an account and all that belongs to it. Somebody else may then take the name. */
  remove(id: string): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      for (const [table, column] of [
        ["devices", "subject"],
        ["claims", "user_id"],
        ["users", "id"],
      ])
        this.#db.prepare(`DELETE FROM ${table} WHERE ${column} = ?`).run(id);
      this.#db.exec("COMMIT");
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  /** Checks that the database responds. */
  ping(): void {
    this.#db.prepare("SELECT 1 FROM users LIMIT 1").get();
  }

  /** Closes the file. */
  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }
}

function asUser(row: Record<string, unknown> | undefined): User | undefined {
  if (!row) return undefined;
  const colour = String(row["colour"]);
  return {
    id: String(row["id"]),
    name: String(row["name"]),
    passwordHash: String(row["password_hash"]),
    note: String(row["note"]),
    colour: isColour(colour) ? colour : "green",
    lastLogin:
      row["login_at"] === null
        ? undefined
        : { at: new Date(Number(row["login_at"])), agent: String(row["login_agent"]) },
  };
}
