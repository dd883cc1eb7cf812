import { redirect } from "react-router";
import { sessions } from "../sessions.server";
import type { Route } from "./+types/note";

export async function action({ context, request }: Route.ActionArgs) {
  const [session, form] = [await sessions.of(context), await request.formData()];
  session.set("note", String(form.get("note") ?? ""));
  // A thrown redirect is a response like any other: the note is kept.
  throw redirect("/", 303);
}
