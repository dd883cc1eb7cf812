import type { APIRoute } from "astro";

export const POST: APIRoute = async ({ locals, request }) => {
  const [session, form] = [await locals.session, await request.formData()];
  await session.login("ana");
  session.set("note", String(form.get("note") ?? ""));
  throw new Error("The note is not kept, but the login is.");
};
