import { error } from "@sveltejs/kit";
import type { PageServerLoad } from "./$types";

export const load: PageServerLoad = async ({ fetch, locals, url }) => {
  if (url.searchParams.has("fail")) {
    (await locals.session).set("note", "lost");
    error(422, "The note is not kept.");
  }
  const response = await fetch("/api/me?cookie");
  const me: { readonly name: string | null } = await response.json();
  return { me: me.name };
};
