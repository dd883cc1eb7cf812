import { defineHandler, redirect } from "nitro/h3";
import { sessions } from "../utils/sessions.ts";

export default defineHandler(async (event) => {
  const session = await sessions.of(event);
  await session.logout();
  return redirect("/", 303);
});
