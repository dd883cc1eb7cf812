import { data } from "react-router";
import { sessions } from "../sessions.server";
import type { Route } from "./+types/api-fail";

export async function action({ context, request }: Route.ActionArgs) {
  const [session, form] = [await sessions.of(context), await request.formData()];
  session.set("note", String(form.get("note") ?? ""));
  // In a route without a page, nothing else tells a thrown response from a returned one.
  sessions.fail(new Error("The note is not kept."));
  throw data("The note is not kept.", 422);
}
