import { safeReturnPath } from "coatcheck";

const users = new Map([["ana", "correct horse"]]); // in production: a database with argon2id hashes

export default defineEventHandler(async (event) => {
  const session = await sessions.of(event);
  const { name = "", password, return: back = "" } = await readFields(event);
  if (!users.has(name) || users.get(name) !== password) {
    session.flash("Login failed.", "error");
    return sendRedirect(event, "/login", 303);
  }
  await session.login(name);
  session.flash("You are logged in.", "success");
  return sendRedirect(event, safeReturnPath(back, "/user"), 303);
});
