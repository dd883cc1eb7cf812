import { json } from "@sveltejs/kit";
import { sessions } from "#lib/server/sessions.ts";
import type { RequestHandler } from "./$types";

export const GET: RequestHandler = async ({ locals, url }) => {
  const session = await locals.session;
  if (url.searchParams.has("cookie")) sessions.cookies(locals).set("seen", "yes");
  return json({ name: session.subject ?? null });
};
