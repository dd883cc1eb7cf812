import { data } from "react-router";
import { sessions } from "../sessions.server";
import type { Route } from "./+types/fail";

export async function action({ context, params, request }: Route.ActionArgs) {
  const [session, form] = [await sessions.of(context), await request.formData()];
  session.set("note", String(form.get("note") ?? ""));
  if (params.how === "error") throw new Error("The note is not kept.");
  if (params.how === "response") throw new Response("The note is not kept.", { status: 422 });
  if (params.how === "returned") return data({ problem: "The note is kept." }, { status: 422 });
  throw data("The note is not kept.", 422);
}

export async function loader({ context, request }: Route.LoaderArgs) {
  const note = new URL(request.url).searchParams.get("note");
  if (note === null) return null;
  (await sessions.of(context)).set("note", note);
  throw data("The note is not kept.", 422);
}

export default function Fail({ actionData }: Route.ComponentProps) {
  return <p>{actionData?.problem}</p>;
}
