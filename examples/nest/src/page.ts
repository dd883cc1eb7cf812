import type { Session } from "coatcheck";
import type { Data } from "./sessions.js";

export async function page(session: Session<Data>, main: string): Promise<string> {
  const messages = await session.takeFlashes();
  return `<!doctype html><title>Coats</title>${messages.map(({ message }) => `<p>${message}</p>`).join("")}${main}`;
}

export function escaped(value: string): string {
  return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
