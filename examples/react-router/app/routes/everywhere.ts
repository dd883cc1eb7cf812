import { redirect } from "react-router";
import { sessions } from "../sessions.server";
import type { Route } from "./+types/everywhere";

export async function action({ context }: Route.ActionArgs) {
  const session = await sessions.of(context);
  if (session.subject !== undefined) await sessions.revokeAll(session.subject, { except: session.id });
  return redirect("/", 303);
}
