import { createSessions } from "coatcheck";
import { sqliteStore } from "coatcheck/sqlite";

export interface Data {
  passport?: { user?: number };
  message?: string;
}

export const sessions = createSessions<Data>({
  secret: process.env.SESSION_SECRET,
  store: sqliteStore({ path: process.env.SESSION_FILE ?? "data/sessions.db" }),
});
