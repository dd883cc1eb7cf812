import { MisuseError } from "coatcheck";
import type { Session } from "coatcheck";
import { read } from "../../sessions";
import type { Data } from "../../sessions";

/** Shows the error that a component gets if it writes. The types already forbid it. */
export default async function Write() {
  const readable = await read();
  // @ts-expect-error -- a readable session has no set
  readable.set;
  const session = readable as unknown as Session<Data>;
  const attempts: Record<string, () => unknown> = {
    set: () => session.set("name", "x"),
    login: () => session.login("x"),
    flash: () => session.flash("x"),
    permanent: () => (session.permanent = true),
    change: () => (readable.get("notes") as string[] | undefined)?.push("x"),
  };
  const told = Object.entries(attempts).map(([name, attempt]) => {
    try {
      attempt();
      return `${name}: allowed`;
    } catch (error) {
      return `${name}: ${error instanceof MisuseError ? `${error.code} ${error.message}` : String(error)}`;
    }
  });
  return <pre id="told">{told.join("\n")}</pre>;
}
