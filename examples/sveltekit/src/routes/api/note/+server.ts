import { error } from "@sveltejs/kit";
import type { RequestHandler } from "./$types";

export const PUT: RequestHandler = async ({ locals, request }) => {
  const session = await locals.session;
  session.set("note", await request.text());
  return new Response(null, { status: 204 });
};

export const POST: RequestHandler = async ({ locals, request }) => {
  const [session, form] = [await locals.session, await request.formData()];
  session.set("note", String(form.get("note") ?? ""));
  error(422, "The note is not kept.");
};
