import { html } from "hono/html";

/**
 * Markup with every value in it escaped. The tagged template is the only way this site makes HTML,
 * and nothing here uses `raw`, so text that a visitor wrote can only ever be text.
 */
export type Html = ReturnType<typeof html>;

export { html };
