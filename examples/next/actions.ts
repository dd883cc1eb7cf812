"use server";

import { safeReturnPath } from "coatcheck";
import { notFound, redirect } from "next/navigation";
import { action, sessions } from "./sessions";

export const logIn = action(async (form: FormData) => {
  const session = await sessions.current();
  if (form.get("password") !== "1234") {
    session.flash("The name or the password is not right.", "error");
    redirect("/login");
  }
  const name = String(form.get("name"));
  await session.login(name);
  session.set("name", name);
  session.flash(`Welcome, ${name}!`, "success");
  redirect(safeReturnPath(String(form.get("return")), "/user"));
});

export const logOut = action(async () => {
  const session = await sessions.current();
  await session.logout();
  session.flash("Goodbye!");
  redirect("/");
});

/** Ends without a redirect: Next.js renders the page again in the same response. */
export const click = action(async () => {
  const session = await sessions.current();
  const clicks = await session.update("clicks", (before = 0) => before + 1);
  session.flash(`That was click ${clicks}.`);
});

export const addNote = action(async (form: FormData) => {
  const session = await sessions.current();
  session.set("notes", [...(session.get("notes") ?? []), String(form.get("note"))]);
  if (form.get("end") === "not found") notFound();
  if (form.get("end") === "error") throw new Error("meant to fail");
});

export const logInAndFail = action(async () => {
  const session = await sessions.current();
  await session.login("ana");
  session.set("name", "lost");
  throw new Error("meant to fail");
});
