import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";

/** A form as the browser sent it: each field once, as text. */
export type Form = {
  /** The field's text exactly as it was sent; `""` if it is missing. */
  text(name: string): string;
  /** Whether a checkbox is checked. */
  ticked(name: string): boolean;
};

/**
 * Reads a form. Input that no form of this site sends (another content type, a repeated field) is refused with
 * 400 rather than corrected.
 */
export async function readForm(c: Context): Promise<Form> {
  const type = c.req.header("Content-Type")?.split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "application/x-www-form-urlencoded") throw new HTTPException(400);
  const fields = new URLSearchParams(await c.req.text());
  const only = (name: string): string | undefined => {
    const values = fields.getAll(name);
    if (values.length > 1) throw new HTTPException(400);
    return values[0];
  };
  return {
    text: (name) => only(name) ?? "",
    ticked: (name) => only(name) !== undefined,
  };
}
