import type { Context } from "hono";
import type { Form } from "./form.ts";
import { page } from "./page.ts";
import { whoIs } from "./profile.ts";
import type { Parts, Visit } from "./parts.ts";
import type { Html } from "./views/html.ts";
import { html } from "./views/html.ts";
import { OWNER_FIELD, otherOwnerNotice } from "./views/owner.ts";

/** Whether a form was made for the current user: somebody else may have logged in since, in another tab. */
export function isFor(form: Form, session: Visit): boolean {
  return session.subject !== undefined && form.text(OWNER_FIELD) === session.subject;
}

/** Refuses a form that was made for another user. The page names both users and offers the form again, which `freshForm` is. */
export function refuseForm(
  c: Context,
  parts: Parts,
  { form, session, freshForm }: { form: Form; session: Visit; freshForm: Html },
): Promise<Response> {
  const notice = otherOwnerNotice({
    madeFor: parts.users.byId(form.text(OWNER_FIELD))?.name,
    now: whoIs(parts, session)?.name ?? "",
  });
  const content = html`<h1>Nothing was changed</h1>
    <article>${freshForm}</article>`;
  return page(c, parts, { title: "Nothing was changed", status: 409, content, notice });
}
