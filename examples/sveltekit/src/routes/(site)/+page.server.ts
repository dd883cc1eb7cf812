import { redirect } from "@sveltejs/kit";
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

  async everywhere({ locals }) {
    const session = await locals.session;
    if (session.subject !== undefined) await sessions.revokeAll(session.subject, { except: session.id });
    redirect(303, "/");
  },
};
