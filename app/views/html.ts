import { html } from "hono/html";

/**
 * Markup in which every value is escaped. This tagged template is the only way in which this site makes HTML, and
 * nothing uses `raw`, so a visitor's text always stays text.
 */
export type Html = ReturnType<typeof html>;

export { html };
