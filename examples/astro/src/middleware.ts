import { sequence } from "astro:middleware";
import { astroSessions, requireLogin } from "coatcheck/astro";
import { sessions } from "./lib/sessions";

export const onRequest = sequence(astroSessions(sessions), requireLogin(sessions, "/user"));
