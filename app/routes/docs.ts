import { Hono } from "hono";
import type { Context } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { DocsFolder } from "../docs-folder.ts";
import type { DocsStatus } from "../docs-status.ts";
import { isKnown } from "../etag.ts";
import { html } from "../views/html.ts";
import type { Html } from "../views/html.ts";
import { layout } from "../views/layout.ts";
import { problemPage } from "../views/problem.ts";

/** Serves the documentation. Uses no session, so that shared caches can store it. */
export function docsRoutes(folder: string): Hono {
  const app = new Hono();
  const docs = new DocsFolder(folder);
  app.use("/docs/*", secureHeaders({ referrerPolicy: "same-origin", strictTransportSecurity: false }));
  app.get("/docs", (c) => c.redirect("/docs/", 308));
  app.get("/docs/*", (c) => {
    const { built } = docs;
    c.header("Content-Security-Policy", policy(built?.scripts ?? []));
    if (built === undefined) return missingPage(c, docs.status);
    const file = docs.find(built, c.req.path.slice("/docs/".length));
    if (file === undefined) return missingPage(c, docs.status);
    if (file.status === 404) {
      c.header("Cache-Control", "no-store");
      return c.body(file.body, 404, { "Content-Type": file.type });
    }
    c.header("Cache-Control", file.isForever ? "public, max-age=31536000, immutable" : "no-cache");
    c.header("ETag", file.tag);
    return isKnown(c, file.tag) ? c.body(null, 304) : c.body(file.body, 200, { "Content-Type": file.type });
  });
  app.all("/docs/*", (c) => {
    c.header("Allow", "GET, HEAD, OPTIONS");
    return c.req.method === "OPTIONS" ? c.body(null, 204) : problemPage(c, "wrong-method");
  });
  return app;
}

/** What a page of the documentation may do: run its own scripts, and the few inside pages by their hashes. */
function policy(scripts: readonly string[]): string {
  return [
    "default-src 'none'",
    `script-src 'self' ${scripts.join(" ")}`.trim(),
    "style-src 'self'",
    // Colored code has its colors in attributes.
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** The page while there is no documentation: being built, failed, or never built. */
function missingPage(c: Context, status: DocsStatus | undefined): Response | Promise<Response> {
  c.header("Cache-Control", "no-store");
  if (status?.state === "building") c.header("Refresh", "3");
  const content = html`<div class="problem">
    <h1>Documentation</h1>
    ${why(status)}
    <p><a href="/">To the start</a></p>
  </div>`;
  return c.html(layout({ title: "Documentation", content, visitor: "unknown" }), 503);
}

function why(status: DocsStatus | undefined): Html {
  if (status === undefined)
    return html`<p>The documentation is not built. <code>npm run docs</code> builds it.</p>`;
  if (status.state === "building")
    return html`<p>
      The documentation is being built. It takes about a minute, and this page reloads by itself.
    </p>`;
  return html`<p>Building the documentation failed. The rest of the site works.</p>
    <pre tabindex="0"><code>${status.message}</code></pre>`;
}
