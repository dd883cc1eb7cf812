import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The files that each address serves: one, or several of the same type, concatenated. */
const FILES = {
  "pico.css": { type: "text/css", from: [import.meta.resolve("@picocss/pico/css/pico.classless.min.css")] },
  "site.css": {
    type: "text/css",
    from: [
      "theme.css",
      "frame.css",
      "content.css",
      "forms.css",
      "lessons.css",
      "inside.css",
      "races.css",
      "timeline.css",
      "strip.css",
      "break.css",
    ].map(own),
  },
  "live.js": { type: "text/javascript", from: [own("live.js")] },
  "ticket.svg": { type: "image/svg+xml", from: [own("ticket.svg")] },
} as const;

function own(name: string): string {
  return new URL(`static/${name}`, import.meta.url).href;
}

/** The served files by the name in the address. `version` changes with the content. */
export const assets = new Map(
  Object.entries(FILES).map(([name, { type, from }]) => {
    const text = from.map((url) => readFileSync(fileURLToPath(url), "utf8")).join("\n");
    const version = createHash("sha256").update(text).digest("base64url").slice(0, 12);
    return [name, { type, version, text }];
  }),
);

/** The address of a file. It changes with the content, so that browsers can cache the file forever. */
export function staticUrl(name: keyof typeof FILES): string {
  return `/static/${name}?v=${assets.get(name)?.version ?? ""}`;
}
