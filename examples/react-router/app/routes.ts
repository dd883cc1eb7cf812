import { index, layout, route } from "@react-router/dev/routes";
import type { RouteConfig } from "@react-router/dev/routes";

export default [
  layout("routes/site.tsx", [
    index("routes/home.tsx"),
    route("login", "routes/login.tsx"),
    layout("routes/members.tsx", [route("user", "routes/user.tsx")]),
    route("away", "routes/away.tsx"),
    route("stream", "routes/stream.tsx"),
  ]),
  route("about", "routes/about.tsx"),
  route("logout", "routes/logout.ts"),
  route("everywhere", "routes/everywhere.ts"),
  route("note", "routes/note.ts"),
  route("fail/:how?", "routes/fail.tsx"),
  route("fail-login", "routes/fail-login.tsx"),
  route("api/fail", "routes/api-fail.ts"),
] satisfies RouteConfig;
