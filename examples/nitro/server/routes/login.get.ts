import { defineHandler, getQuery } from "nitro/h3";
import { escaped, page } from "../utils/page.ts";
import { sessions } from "../utils/sessions.ts";

export default defineHandler(async (event) => {
  const session = await sessions.of(event);
  const back = escaped(String(getQuery(event).return ?? ""));
  return page(
    `<form method="post" action="/login"><input type="hidden" name="return" value="${back}" /><input name="name" /><input name="password" type="password" /><button>Log in</button></form>`,
    session,
  );
});
