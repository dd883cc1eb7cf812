import { error, fail, redirect } from "@sveltejs/kit";
import { sessions } from "#lib/server/sessions.ts";
import type { Actions, PageServerLoad } from "./$types";

export const load: PageServerLoad = async ({ locals }) => {
  const session = await locals.session;
  return { note: session.get("note") ?? null };
};

export const actions: Actions = {
  async logout({ locals }) {
    await (await locals.session).logout();
    redirect(303, "/");
  },

  async note({ locals, request }) {
    const [session, form] = [await locals.session, await request.formData()];
    session.set("note", String(form.get("note") ?? ""));
    redirect(303, "/");
  },

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

  async everywhere({ locals }) {
    const session = await locals.session;
    if (session.subject !== undefined) await sessions.revokeAll(session.subject, { except: session.id });
    redirect(303, "/");
  },
};
