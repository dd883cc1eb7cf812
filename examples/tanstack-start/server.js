// Serves what `vite build` made, with Node: `node --env-file=.env server.js`.

import { serve } from "srvx/node";
import { staticMiddleware } from "srvx/static";
import site from "./dist/server/server.js";

serve({
  port: Number(process.env.PORT ?? 3000),
  hostname: process.env.HOST ?? "localhost",
  middleware: [staticMiddleware({ dir: "dist/client" })],
  fetch: (request) => site.fetch(request),
});
