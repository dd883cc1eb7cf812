import { sessions } from "./sessions";

/** SolidStart turns what a server function throws into a response, so the sessions have to hear of it here. */
export default function failed(error: unknown): void {
  const isRedirect = error instanceof Response && error.status >= 300 && error.status < 400;
  if (!isRedirect) sessions.fail(error);
}
