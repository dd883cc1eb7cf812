import { defineHandler } from "nitro/h3";
import { page } from "../utils/page.ts";
import { sessions } from "../utils/sessions.ts";

export default defineHandler(async (event) => {
  const session = await sessions.of(event);
  return page(`<h1>The page of ${session.subject}</h1>`, session);
});
