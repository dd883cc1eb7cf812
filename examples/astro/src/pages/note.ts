import type { APIRoute } from "astro";

export const POST: APIRoute = async ({ locals, redirect, request }) => {
  const [session, form] = [await locals.session, await request.formData()];
  session.set("note", String(form.get("note") ?? ""));
  return redirect("/", 303);
};

// A script sends it as text.
export const PUT: APIRoute = async ({ locals, request }) => {
  (await locals.session).set("note", await request.text());
  return new Response(null, { status: 204 });
};
