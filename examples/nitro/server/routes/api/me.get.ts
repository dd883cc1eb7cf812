import { defineHandler } from "nitro/h3";
import { sessions } from "../../utils/sessions.ts";

export default defineHandler(async (event) => {
  const session = await sessions.of(event);
  return { name: session.subject, note: session.get("note") };
});
