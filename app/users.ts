import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { openDatabase } from "./database.ts";
import { isColour } from "./colours.ts";
import type { Colour } from "./colours.ts";
import type { Passwords } from "./passwords.ts";

/** Someone who has an account here. */
export type User = { id: string; name: string; passwordHash: string; note: string; colour: Colour };

/** Longest name, in characters as a person counts them, more or less. */
export const MAX_NAME_CHARACTERS = 40;

/** Longest note, in UTF-16 units, as browsers count for maxlength; the form says so too. */
export const MAX_NOTE_CHARACTERS = 500;

/** The account that a fresh database has, so that the first visitor can log in at once. */
export const DEMO = { name: "leo", password: "1234" } as const;

/** A name as it is kept: one spelling for everything that looks the same (Unicode NFKC). */
export function normalizeName(typed: string): string {
  return typed.normalize("NFKC").trim().replaceAll(/\s+/gu, " ");
}

/** What makes a name impossible, as a sentence; `undefined` when it will do. */
export function nameProblem(name: string): string | undefined {
  if (name === "") return "Please choose a name.";
  if ([...name].length > MAX_NAME_CHARACTERS)
    return `Please choose a name of at most ${MAX_NAME_CHARACTERS} characters.`;
  // Control and format characters can turn text around or hide in it.
  if (/[\p{C}\p{Zl}\p{Zp}]/u.test(name)) return "The name has a character in it that cannot be seen.";
  // A Cyrillic "о" in a Latin name would make a second "leo" that nobody can tell from the first.
  const scripts = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u];
  if (scripts.filter((script) => script.test(name)).length > 1)
    return "Please write the name in one alphabet.";
  return undefined;
}

/** Accounts, in a SQLite file of their own. */
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
        // Only here, where the database is new: whoever deletes the demo account keeps it deleted.
        db.prepare("INSERT INTO users (id, name, name_key, password_hash, note) VALUES (?, ?, ?, ?, ?)").run(
          randomUUID(),
          DEMO.name,
          nameKey(DEMO.name),
          passwords.hashAtStart(DEMO.password),
          "Buy milk. Return the umbrella.",
        );
      },
    ]);
  }

  /** Finds an account by the name that someone typed. */
  byName(typed: string): User | undefined {
    return asUser(this.#db.prepare("SELECT * FROM users WHERE name_key = ?").get(nameKey(typed)));
  }

  /** Finds an account by the id that a session is bound to. */
  byId(id: string): User | undefined {
    return asUser(this.#db.prepare("SELECT * FROM users WHERE id = ?").get(id));
  }

  /** Makes an account. Answers `undefined` when the name is taken; the database decides a tie. */
  create(name: string, passwordHash: string): User | undefined {
    const id = randomUUID();
    const { changes } = this.#db
      .prepare(
        "INSERT INTO users (id, name, name_key, password_hash) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
      )
      .run(id, normalizeName(name), nameKey(name), passwordHash);
    return changes === 1 ? this.byId(id) : undefined;
  }

  /** Keeps what the user wrote about themselves. */
  saveProfile(id: string, note: string, colour: Colour): void {
    this.#db.prepare("UPDATE users SET note = ?, colour = ? WHERE id = ?").run(note, colour, id);
  }

  /**
   * Replaces a password hash, if it is still the one that was checked: of two changes at once, one
   * wins and the other answers `false`.
   */
  replacePassword(id: string, checked: string, next: string): boolean {
    const { changes } = this.#db
      .prepare("UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?")
      .run(next, id, checked);
    return changes === 1;
  }

  /** Whether the database answers at all. */
  ping(): void {
    this.#db.prepare("SELECT 1 FROM users LIMIT 1").get();
  }

  /** Closes the file. */
  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }
}

/** What makes "Leo" and "leo" one account: for lookups, and for whatever is counted by account. */
export function nameKey(typed: string): string {
  return normalizeName(typed).toLowerCase().normalize("NFKC");
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
  };
}
