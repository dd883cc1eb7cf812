import { fail, redirect } from "@sveltejs/kit";
import { safeReturnPath } from "coatcheck";
import type { Actions } from "./$types";

const users = new Map([["ana", "correct horse"]]); // in production: a database with argon2id hashes

export const actions: Actions = {
  async default({ locals, request, url }) {
    const form = await request.formData();
    const name = String(form.get("name") ?? "");
    const right = users.get(name);
    if (right === undefined || right !== form.get("password")) return fail(400, { problem: "Login failed." });
    const session = await locals.session;
    await session.login(name);
    session.flash("You are logged in.", "success");
    redirect(303, safeReturnPath(url.searchParams.get("return"), "/user"));
  },
};
