import { defineHandler, redirect } from "nitro/h3";
import { sessions } from "../utils/sessions.ts";

export default defineHandler(async (event) => {
  const { id, subject } = await sessions.of(event);
  if (subject) await sessions.revokeAll(subject, { except: id });
  return redirect("/", 303);
});
