import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { noticeBox } from "./message.ts";

/** The name of the hidden field with the account that a form is for. */
export const OWNER_FIELD = "owner";

/** Part of every form that changes an account, since another one may be logged in when the form is submitted. */
export function ownerField(subject: string): Html {
  return html`<input type="hidden" name="${OWNER_FIELD}" value="${subject}" />`;
}

/** Tells password managers whose password a form is about. Part of every form with a password and no name. */
export function usernameField(name: string): Html {
  return html`<input type="text" value="${name}" autocomplete="username" readonly hidden />`;
}

/** The notice for a form that was submitted too late. */
export function otherOwnerNotice({ madeFor, now }: { madeFor: string | undefined; now: string }): Html {
  return noticeBox(
    "warning",
    html`${
        madeFor === undefined
          ? "This form does not say whose it is"
          : html`This form was made for <strong>${madeFor}</strong>`
      },
      and now <strong>${now}</strong> is logged in.`,
  );
}
