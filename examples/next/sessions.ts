import { createSessions } from "coatcheck";
import { nextSessions } from "coatcheck/next";
import { sqliteStore } from "coatcheck/sqlite";
import { refresh } from "next/cache";
import { cookies, headers } from "next/headers";
import { redirect } from "next/navigation";

export interface Data {
  readonly name: string;
  readonly clicks: number;
  readonly notes: readonly string[];
}

export const sessions = createSessions<Data>({
  secret: process.env["SESSION_SECRET"],
  // Next.js loads this file once for every bundle that it makes, so `sessions` is stored outside of the module.
  store: sqliteStore({ path: process.env["SESSION_FILE"] ?? "data/sessions.db" }),
});

export const { action, proxy, read, requireLogin, route } = nextSessions(sessions, {
  cookies,
  headers,
  redirect,
  refresh,
});
