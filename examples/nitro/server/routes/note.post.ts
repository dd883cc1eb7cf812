import { defineHandler, redirect } from "nitro/h3";
import { fieldsOf } from "../utils/page.ts";
import { sessions } from "../utils/sessions.ts";

export default defineHandler(async (event) => {
  const session = await sessions.of(event);
  const { note = "" } = await fieldsOf(event);
  session.set("note", note);
  return redirect("/", 303);
});
