import type { NodeResponse } from "./node-message.ts";

/**
 * Does with what writeHead was given what Node would do (status, a message perhaps, headers as an object
 * or a list), so that other headers can be merged with it; what is left to give is {@link headOf}.
 */
export function takeHead(response: NodeResponse, args: readonly unknown[]): void {
  const [status] = args;
  if (typeof status === "number") response.statusCode = status;
  const headers = typeof args[1] === "string" ? args[2] : (args[2] ?? args[1]);
  if (typeof headers !== "object" || headers === null) return;
  if (!Array.isArray(headers)) {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    return;
  }
  // A name may come several times in a list, and then takes the place of what was set before.
  const flat: unknown[] = headers.flat();
  for (let at = 0; at < flat.length; at += 2) response.removeHeader(String(flat[at]));
  for (let at = 0; at < flat.length; at += 2) response.appendHeader(String(flat[at]), String(flat[at + 1]));
}

/** What is left to give to writeHead when its headers have been taken. */
export function headOf([status, message]: readonly unknown[]): unknown[] {
  return typeof message === "string" ? [status, message] : [status];
}

/** Whether Node takes this status; for others it has an error of its own. */
export function isStatus(status: number): boolean {
  return status >= 100 && status <= 999;
}
