// A page of the SolidStart site that only the tests ask for. It names the addresses of its server functions.

// Types are looked at in the repository, where SolidStart is not.
// @ts-nocheck
// oxlint-disable import/no-default-export, typescript/only-throw-error
import { createAsync, query, redirect, useSearchParams } from "@solidjs/router";
import { sessions } from "../sessions.ts";

async function refuse() {
  "use server";
  (await sessions.current()).set("note", "lost");
  throw new Error("Refused.");
}

async function answer() {
  "use server";
  (await sessions.current()).set("note", "lost");
  throw new Response("Refused.", { status: 422 });
}

async function leave() {
  "use server";
  (await sessions.current()).set("note", "kept by a thrown redirect");
  throw redirect("/");
}

async function go() {
  "use server";
  (await sessions.current()).set("note", "kept by a redirect");
  return redirect("/");
}

async function keep() {
  "use server";
  (await sessions.current()).set("note", "kept");
  return "done";
}

const look = query(async (what) => {
  "use server";
  const session = await sessions.current();
  if (what === "keep") await keep();
  if (what === "refuse") await refuse().catch(() => {});
  return session.get("note");
}, "look");

export default function Page() {
  const [search] = useSearchParams();
  const note = createAsync(() => look(search.what));
  const urls = Object.entries({ refuse, answer, leave, go, keep }).map(
    ([name, { url }]) => `${name}=${url} `,
  );
  return () => `Seen: ${note()}. ${urls.join("")}`;
}
