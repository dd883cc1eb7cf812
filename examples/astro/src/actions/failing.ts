import { ActionError, defineAction } from "astro:actions";

export const fail = defineAction({
  accept: "form",
  async handler(form, { locals }) {
    (await locals.session).set("note", String(form.get("note") ?? ""));
    throw new ActionError({ code: "UNPROCESSABLE_CONTENT", message: "The note is not kept." });
  },
});

export const crash = defineAction({
  accept: "form",
  async handler(form, { locals }) {
    (await locals.session).set("note", String(form.get("note") ?? ""));
    throw new Error("The note is not kept.");
  },
});
