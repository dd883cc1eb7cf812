import { requireLogin } from "coatcheck/react-router";
import { Outlet } from "react-router";
import { sessions } from "../sessions.server";
import type { Route } from "./+types/members";

export const middleware: Route.MiddlewareFunction[] = [requireLogin(sessions)];

// Without a loader, the scripts in the browser would not ask the server.
export function loader() {
  return null;
}

export default function Members() {
  return <Outlet />;
}
