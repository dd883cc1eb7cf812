/** Where a link of a page leads: the repository's path, and the anchor with its `#`. */
export type Relink = (target: string) => string;

/**
 * A page as readers see it: without HTML comments (the tests' own blocks are in some), with fences that name nothing but
 * their language, and with its links changed by `relink`.
 */
export function readable(text: string, relink: Relink): string {
  const lines: string[] = [];
  let fence: string | undefined;
  let isComment = false;
  for (const line of text.split("\n")) {
    if (isComment) {
      isComment = !line.includes("-->");
      continue;
    }
    const [, indent = "", ticks, info = ""] = /^(\s*)(`{3,})([^`]*)$/.exec(line) ?? [];
    if (fence !== undefined) {
      if (ticks === fence && info.trim() === "") fence = undefined;
      lines.push(line);
    } else if (ticks !== undefined) {
      fence = ticks;
      lines.push(`${indent}${ticks}${info.trim().split(/\s+/)[0] ?? ""}`);
    } else if (/^\s*<!--/.test(line)) {
      isComment = !line.includes("-->");
    } else {
      lines.push(relinked(line, relink));
    }
  }
  return lines.join("\n").replaceAll(/\n{3,}/g, "\n\n");
}

/** A line of prose with its links changed. Spans of code hold no links. */
function relinked(line: string, relink: Relink): string {
  // A target in angle brackets, or one with spaces, is not used here.
  const link = /(`+)(?:(?!\1).)+?\1(?!`)|(\]\()([^)\s]+)(\))|((?:src|srcset)=")([^"]+)(")/g;
  return line.replaceAll(link, (whole: string, ...parts: (string | undefined)[]) => {
    const [, open, target, close, attribute, source, quote] = parts;
    if (target !== undefined) return `${open}${relink(target)}${close}`;
    if (source !== undefined) return `${attribute}${relink(source)}${quote}`;
    return whole;
  });
}

/** The anchor of a heading as GitHub and editors make it, so that a link works in both. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(" ", "-");
}

/** The text of a page's title, without marks of Markdown. */
export function titleOf(text: string): string {
  return (/^# (.+)$/m.exec(text)?.[1] ?? "").replaceAll("`", "");
}

/** The first paragraph of prose after the title, as plain text, for search engines and previews. */
export function descriptionOf(text: string): string {
  const paragraphs = text.split(/\n\s*\n/).map((part) => part.trim());
  const first = paragraphs.find((part) => /^[\p{L}*`[]/u.test(part)) ?? "";
  return first
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll(/[`*]/g, "")
    .replaceAll(/\s+/g, " ")
    .slice(0, 200);
}
