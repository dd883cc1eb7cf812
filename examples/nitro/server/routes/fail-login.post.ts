import { defineHandler } from "nitro/h3";
import { fieldsOf } from "../utils/page.ts";
import { sessions } from "../utils/sessions.ts";

export default defineHandler(async (event) => {
  const session = await sessions.of(event);
  const { note = "" } = await fieldsOf(event);
  await session.login("ana");
  session.set("note", note);
  throw new Error("The note is not kept, but the login is.");
});
