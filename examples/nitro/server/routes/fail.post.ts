import { defineHandler, HTTPError } from "nitro/h3";
import { fieldsOf } from "../utils/page.ts";
import { sessions } from "../utils/sessions.ts";

export default defineHandler(async (event) => {
  const session = await sessions.of(event);
  const { note = "" } = await fieldsOf(event);
  session.set("note", note);
  throw new HTTPError({ status: 422, message: "The note is not kept." });
});
