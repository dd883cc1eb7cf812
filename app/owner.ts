import type { Context } from "hono";
import type { Form } from "./form.ts";
import { page } from "./page.ts";
import { whoIs } from "./profile.ts";
import type { Parts, Visit } from "./parts.ts";
import type { Html } from "./views/html.ts";
import { OWNER_FIELD, otherOwnerView } from "./views/owner.ts";

/** Whether a form was made for whoever is logged in now: somebody else may have logged in in another tab meanwhile. */
export function isFor(form: Form, session: Visit): boolean {
  return session.subject !== undefined && form.text(OWNER_FIELD) === session.subject;
}

/** Refuses a form that was made for somebody else. Says for whom, who is logged in now, and offers the form anew. */
export function refuseForm(
  c: Context,
  parts: Parts,
  { form, session, anew }: { form: Form; session: Visit; anew: Html },
): Promise<Response> {
  const content = otherOwnerView({
    madeFor: parts.users.byId(form.text(OWNER_FIELD))?.name,
    now: whoIs(parts, session)?.name ?? "",
    anew,
  });
  return page(c, parts, { title: "Nothing was changed", status: 409, content });
}
