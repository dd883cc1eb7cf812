import Link from "next/link";
import type { ReactNode } from "react";
import { logOut } from "../actions";
import { read } from "../sessions";

export default async function Layout({ children }: { readonly children: ReactNode }) {
  const session = await read();
  return (
    <html lang="en">
      <body>
        <header>
          <Link href="/">Home</Link> <Link href="/user">Your page</Link>{" "}
          <span id="subject">{session.subject ?? "nobody"}</span>
          {session.loggedIn && (
            <form action={logOut}>
              <button>Log out</button>
            </form>
          )}
        </header>
        <main>{children}</main>
      </body>
    </html>
  );
}
