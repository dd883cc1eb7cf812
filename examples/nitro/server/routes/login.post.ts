import { safeReturnPath } from "coatcheck";
import { defineHandler, redirect } from "nitro/h3";
import { fieldsOf } from "../utils/page.ts";
import { sessions } from "../utils/sessions.ts";

const users = new Map([["ana", "correct horse"]]); // in production: a database with argon2id hashes

export default defineHandler(async (event) => {
  const session = await sessions.of(event);
  const { name = "", password, return: back = "" } = await fieldsOf(event);
  if (!users.has(name) || users.get(name) !== password) {
    session.flash("Login failed.", "error");
    return redirect("/login", 303);
  }
  await session.login(name);
  session.flash("You are logged in.", "success");
  return redirect(safeReturnPath(back, "/user"), 303);
});
