import type { Session } from "coatcheck";
import { html } from "nitro/h3";
import type { H3Event } from "nitro/h3";
import type { Data } from "./sessions.ts";

/** A page with the visitor's messages, if it is for one visitor. */
export async function page(main: string, session?: Session<Data>) {
  const messages = (await session?.takeFlashes()) ?? [];
  const shown = messages.map(({ message }) => `<p>${escaped(message)}</p>`).join("");
  return html(`<!doctype html><title>Coats</title>${shown}${main}`);
}

export function escaped(value: string): string {
  return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

/** The fields of a form. */
export async function fieldsOf(event: H3Event): Promise<Record<string, string>> {
  const form = await event.req.formData();
  return Object.fromEntries([...form].map(([name, value]) => [name, String(value)]));
}
