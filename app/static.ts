import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

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

/** What is served, by the name in the address; `version` changes with the content. */
export const assets = new Map(
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
