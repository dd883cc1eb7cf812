import { error, fail } from "@sveltejs/kit";
import type { Actions } from "./$types";

export const actions: Actions = {
  // A response like any other: the note is kept.
  async invalid({ locals, request }) {
    const [session, form] = [await locals.session, await request.formData()];
    session.set("note", String(form.get("note") ?? ""));
    return fail(422, { problem: "The note is kept." });
  },

  async fail({ locals, request }) {
    const [session, form] = [await locals.session, await request.formData()];
    session.set("note", String(form.get("note") ?? ""));
    error(422, "The note is not kept.");
  },

  async crash({ locals, request }) {
    const [session, form] = [await locals.session, await request.formData()];
    session.set("note", String(form.get("note") ?? ""));
    throw new Error("The note is not kept.");
  },

  async "fail-login"({ locals, request }) {
    const [session, form] = [await locals.session, await request.formData()];
    await session.login("ana");
    session.set("note", String(form.get("note") ?? ""));
    throw new Error("The note is not kept, but the login is.");
  },
};
