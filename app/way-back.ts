import { safeReturnPath } from "coatcheck";

/** The address of the login page, or of another that leads on, with the way back. */
export function loginPath(back: string | undefined, path = "/login"): string {
  return back === undefined ? path : `${path}?return=${encodeURIComponent(back)}`;
}

/** Where a login shall lead, if that is a page of this site. Anybody can write this into an address or a form. */
export function returnPath(target: string | undefined): string | undefined {
  return safeReturnPath(target, "") || undefined;
}
