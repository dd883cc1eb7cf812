import { createHmac } from "node:crypto";

/** A cookie that express-session would have made. */
export function expressCookie(id: string, secret: string): string {
  const signature = createHmac("sha256", secret).update(id).digest("base64").replace(/=+$/, "");
  return encodeURIComponent(`s:${id}.${signature}`);
}

/** The two cookies that cookie-session would have made. */
export function cookieSessionCookies(data: unknown, secret: string, name = "session"): string {
  const value = Buffer.from(typeof data === "string" ? data : JSON.stringify(data)).toString("base64");
  const signature = createHmac("sha1", secret).update(`${name}=${value}`).digest("base64url");
  return `${name}=${value}; ${name}.sig=${signature}`;
}

/** A cookie that Flask would have made: from JSON, at a time in seconds. */
export function flaskCookie(json: string, secret: string, seconds: number): string {
  const time = Buffer.alloc(4);
  time.writeUInt32BE(seconds);
  const signed = `${Buffer.from(json).toString("base64url")}.${time.toString("base64url")}`;
  const key = createHmac("sha1", secret).update("cookie-session").digest();
  return `${signed}.${createHmac("sha1", key).update(signed).digest("base64url")}`;
}
