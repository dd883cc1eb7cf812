import type { APIRoute } from "astro";
import { sessions } from "../lib/sessions";

export const POST: APIRoute = async ({ locals, redirect }) => {
  const session = await locals.session;
  if (session.subject !== undefined) await sessions.revokeAll(session.subject, { except: session.id });
  return redirect("/", 303);
};
