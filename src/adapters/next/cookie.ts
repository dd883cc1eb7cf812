import { decoded } from "../../cookies/encoding.ts";

/** A cookie's attributes in the form that Next.js accepts. */
export interface NextCookieAttributes {
  readonly path?: string;
  readonly domain?: string;
  /** Seconds. */
  readonly maxAge?: number;
  readonly expires?: Date;
  readonly secure?: boolean;
  readonly httpOnly?: boolean;
  readonly sameSite?: "strict" | "lax" | "none";
  readonly partitioned?: boolean;
  readonly priority?: "low" | "medium" | "high";
}

/** The part of the cookies of Next.js 15 and later that this adapter uses. */
export interface NextCookies {
  getAll(): readonly { readonly name: string; readonly value: string }[];
  set(name: string, value: string, attributes: NextCookieAttributes): unknown;
}

/** Converts one of our Set-Cookie headers into the arguments from which Next.js builds it again. */
export function toNextCookie(line: string): [name: string, value: string, attributes: NextCookieAttributes] {
  const [pair = "", ...rest] = line.split("; ");
  const attributes: Record<string, unknown> = {};
  for (const attribute of rest) {
    const [name = "", value] = attribute.split("=", 2);
    const key =
      name === "Max-Age"
        ? "maxAge"
        : name === "HttpOnly"
          ? "httpOnly"
          : name === "SameSite"
            ? "sameSite"
            : name.toLowerCase();
    if (key === "maxAge") attributes[key] = Number(value);
    else if (key === "expires") attributes[key] = new Date(value ?? "");
    else if (key === "sameSite" || key === "priority") attributes[key] = value?.toLowerCase();
    else attributes[key] = value ?? true;
  }
  const at = pair.indexOf("=");
  // Decoded, since Next.js encodes the value itself.
  return [pair.slice(0, at), decoded(pair.slice(at + 1)), attributes];
}
