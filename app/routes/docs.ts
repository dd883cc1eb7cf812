import { Hono } from "hono";
import type { Context } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { DocsFolder } from "../docs-folder.ts";
import type { Missing } from "../docs-folder.ts";
import { html } from "../views/html.ts";
import { layout } from "../views/layout.ts";

/** Serves the documentation. Uses no session, so that shared caches can store it. */
export function docsRoutes(folder: string): Hono {
  const app = new Hono();
  const docs = new DocsFolder(folder);
  app.use("/docs/*", secureHeaders({ referrerPolicy: "same-origin", strictTransportSecurity: false }));
  app.get("/docs", (c) => c.redirect("/docs/", 308));
  app.get("/docs/*", (c) => {
    const { built } = docs;
    c.header("Content-Security-Policy", policy(built?.scripts ?? []));
    if (built === undefined) return missingPage(c, docs.missing);
    const file = docs.find(built, decoded(c.req.path.slice("/docs/".length)));
    c.header("Cache-Control", file.isForever ? "public, max-age=31536000, immutable" : "no-cache");
    c.header("ETag", file.tag);
    if (file.status === 200 && c.req.header("If-None-Match") === file.tag) return c.body(null, 304);
    return c.body(file.body, file.status, { "Content-Type": file.type });
  });
  return app;
}

/** The text of a path; what cannot be decoded stays as it is, and names no file. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
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
function missingPage(c: Context, missing: Missing): Response | Promise<Response> {
  c.header("Cache-Control", "no-store");
  if (missing.state === "building") c.header("Refresh", "3");
  const text = {
    building: html`<p>The documentation is being built. This page reloads by itself.</p>`,
    failed: html`<p>Building the documentation failed. The rest of the site works.</p>
      <pre><code>${missing.state === "failed" ? missing.message : ""}</code></pre>`,
    none: html`<p>The documentation is not built. <code>npm run docs</code> builds it.</p>`,
  }[missing.state];
  const content = html`<div class="problem">
    <h1>Documentation</h1>
    ${text}
  </div>`;
  return c.html(layout({ title: "Documentation", content, visitor: "unknown" }), 503);
}
