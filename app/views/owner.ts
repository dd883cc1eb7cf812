import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { noticeBox } from "./message.ts";

/** The name of the hidden field with the account that a form is for. */
export const OWNER_FIELD = "owner";

/** Part of every form that changes an account, since another one may be logged in when the form is submitted. */
export function ownerField(subject: string): Html {
  return html`<input type="hidden" name="${OWNER_FIELD}" value="${subject}" />`;
}

/** Shown for a form that was submitted too late. `freshForm` is the same form for the account that is logged in now. */
export function otherOwnerView({
  madeFor,
  now,
  freshForm,
}: {
  madeFor: string | undefined;
  now: string;
  freshForm: Html;
}): Html {
  return html`<h1>Nothing was changed</h1>
    ${noticeBox(
      "warning",
      html`${
          madeFor === undefined
            ? "This form does not say whose it is"
            : html`This form was made for <strong>${madeFor}</strong>`
        },
        and now <strong>${now}</strong> is logged in.`,
    )}
    <article>${freshForm}</article>`;
}
