import type { APIEvent } from "@solidjs/start/server";
import { safeReturnPath } from "coatcheck";
import { sessions } from "../../sessions";

const users = new Map([["ana", "correct horse"]]); // in production: a database with argon2id hashes

export async function POST({ request }: APIEvent) {
  const session = await sessions.current();
  const form = await request.formData();
  const name = String(form.get("name"));
  if (!users.has(name) || users.get(name) !== form.get("password")) {
    session.flash("Login failed.", "error");
    return new Response(null, { status: 303, headers: { location: "/login" } });
  }
  await session.login(name);
  session.flash("You are logged in.", "success");
  const location = safeReturnPath(String(form.get("return") ?? ""), "/user");
  return new Response(null, { status: 303, headers: { location } });
}
