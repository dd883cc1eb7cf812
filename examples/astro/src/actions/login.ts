import { ActionError, defineAction } from "astro:actions";

const users = new Map([["ana", "correct horse"]]); // in production: a database with argon2id hashes

export const login = defineAction({
  accept: "form",
  async handler(form, { locals }) {
    const name = String(form.get("name") ?? "");
    const right = users.get(name);
    if (right === undefined || right !== form.get("password")) {
      throw new ActionError({ code: "UNAUTHORIZED", message: "Login failed." });
    }
    const session = await locals.session;
    await session.login(name);
    session.flash("You are logged in.", "success");
  },
});
