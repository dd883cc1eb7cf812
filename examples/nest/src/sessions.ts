import * as common from "@nestjs/common";
import * as core from "@nestjs/core";
import { createSessions } from "coatcheck";
import { nestSessions } from "coatcheck/nest";
import { sqliteStore } from "coatcheck/sqlite";

export interface Data {
  readonly note: string;
}

export const sessions = createSessions<Data>({
  secret: process.env.SESSION_SECRET,
  store: sqliteStore({ path: process.env.SESSION_FILE ?? "data/sessions.db" }),
});

export const { SessionsModule, CurrentSession, InjectSessions, LoginGuard } = nestSessions(sessions, {
  ...common,
  ...core,
});
