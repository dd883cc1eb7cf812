import { safeReturnPath } from "coatcheck";

/** The address of the login page, or of another page that leads on, with the return path. */
export function loginPath(back: string | undefined, path = "/login"): string {
  return back === undefined ? path : `${path}?return=${encodeURIComponent(back)}`;
}

/** The return path after a login, if it is a page of this site. Anybody can write one into an address or a form. */
export function returnPath(target: string | undefined): string | undefined {
  return safeReturnPath(target, "") || undefined;
}
