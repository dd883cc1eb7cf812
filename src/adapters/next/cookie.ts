import { decoded } from "../../cookies/encoding.ts";

/** A cookie's attributes as Next.js takes them. */
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

/** What this adapter uses of the cookies of Next.js 15 and later. */
export interface NextCookies {
  getAll(): readonly { readonly name: string; readonly value: string }[];
  set(name: string, value: string, attributes: NextCookieAttributes): unknown;
}

/** A Set-Cookie header of ours as the arguments that Next.js makes it from again. */
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
  // Next.js encodes the value once more; ours is encoded where it needs to be.
  return [pair.slice(0, at), decoded(pair.slice(at + 1)), attributes];
}
