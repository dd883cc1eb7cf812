import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Hono } from "hono";
import { problemPage } from "./views/problem.ts";

/** What each address serves: one file, or several of the same type in a row. */
const FILES = {
  "pico.css": { type: "text/css", from: [import.meta.resolve("@picocss/pico/css/pico.classless.min.css")] },
  "site.css": {
    type: "text/css",
    from: ["theme.css", "frame.css", "content.css", "forms.css", "lessons.css", "inside.css"].map(own),
  },
  "ticket.svg": { type: "image/svg+xml", from: [own("ticket.svg")] },
} as const;

function own(name: string): string {
  return new URL(`static/${name}`, import.meta.url).href;
}

const assets = new Map(
  Object.entries(FILES).map(([name, { type, from }]) => {
    const text = from.map((url) => readFileSync(fileURLToPath(url), "utf8")).join("\n");
    const version = createHash("sha256").update(text).digest("base64url").slice(0, 12);
    return [name, { type, version, text }];
  }),
);

/** Where a file is served; the address changes with the content, so browsers may keep it for good. */
export function staticUrl(name: keyof typeof FILES): string {
  return `/static/${name}?v=${assets.get(name)?.version ?? ""}`;
}

/** Serves the stylesheets and the icon. No session is looked at, so caches may share them. */
export function staticRoutes(): Hono {
  const app = new Hono();
  app.get("/static/:name", (c) => {
    const asset = assets.get(c.req.param("name"));
    if (!asset) return problemPage(c, "no-file");
    const tag = `"${asset.version}"`;
    c.header(
      "Cache-Control",
      c.req.query("v") === asset.version ? "public, max-age=31536000, immutable" : "no-cache",
    );
    c.header("ETag", tag);
    const held = c.req.header("If-None-Match")?.split(",") ?? [];
    if (held.some((one) => one.trim().replace(/^W\//, "") === tag || one.trim() === "*"))
      return c.body(null, 304);
    return c.body(asset.text, 200, { "Content-Type": `${asset.type}; charset=utf-8` });
  });
  app.all("/static/:name", (c) => {
    if (!assets.has(c.req.param("name"))) return problemPage(c, "no-file");
    c.header("Allow", "GET, HEAD, OPTIONS");
    return c.req.method === "OPTIONS" ? c.body(null, 204) : problemPage(c, "wrong-method");
  });
  app.get("/favicon.ico", (c) => c.redirect(staticUrl("ticket.svg"), 302));
  return app;
}
