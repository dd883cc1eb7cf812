import { building } from "$app/env";
import { sequence } from "@sveltejs/kit/hooks";
import { requireLogin, svelteKitErrors, svelteKitSessions } from "coatcheck/sveltekit";
import { sessions } from "#lib/server/sessions.ts";

export const handle = sequence(
  svelteKitSessions(sessions, { building }),
  requireLogin(sessions, "/(site)/user"),
);
export const handleError = svelteKitErrors(sessions);
