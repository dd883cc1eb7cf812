import { safeReturnPath } from "coatcheck";
import { data, Form, redirect } from "react-router";
import { sessions } from "../sessions.server";
import type { Route } from "./+types/login";

const users = new Map([["ana", "correct horse"]]); // in production: a database with argon2id hashes

export async function action({ context, request }: Route.ActionArgs) {
  const form = await request.formData();
  const name = String(form.get("name") ?? "");
  const right = users.get(name);
  if (right === undefined || right !== form.get("password")) {
    return data({ problem: "Login failed." }, { status: 400 });
  }
  const session = await sessions.of(context);
  await session.login(name);
  session.flash("You are logged in.", "success");
  const back = new URL(request.url).searchParams.get("return");
  return redirect(safeReturnPath(back, "/user"), 303);
}

export default function Login({ actionData }: Route.ComponentProps) {
  return (
    <>
      {actionData !== undefined && <p>{actionData.problem}</p>}
      {/* Without an action the form is posted to this page's own address, with the way back. */}
      <Form method="post">
        <input name="name" />
        <input name="password" type="password" />
        <button>Log in</button>
      </Form>
    </>
  );
}
