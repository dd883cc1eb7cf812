import { requireLogin } from "coatcheck/nitro";
import { defineHandler } from "nitro/h3";
import { sessions } from "../utils/sessions.ts";

const guard = requireLogin(sessions);

/** Everything below /user is for logged-in users. */
export default defineHandler((event) =>
  /^\/user(\/|$)/.test(event.url.pathname) ? guard(event) : undefined,
);
