import type { APIRoute } from "astro";

export const POST: APIRoute = async ({ locals, request }) => {
  const [session, form] = [await locals.session, await request.formData()];
  session.set("note", String(form.get("note") ?? ""));
  throw new Error("The note is not kept.");
};
