import { PassThrough } from "node:stream";
import { createReadableStreamFromReadable } from "@react-router/node";
import { failedRender } from "coatcheck/react-router";
import { isbot } from "isbot";
import { renderToPipeableStream } from "react-dom/server";
import { ServerRouter } from "react-router";
import type { EntryContext } from "react-router";
import { sessions } from "./sessions.server";

export const streamTimeout = 5_000;

export default function handleRequest(
  request: Request,
  status: number,
  headers: Headers,
  routerContext: EntryContext,
): Promise<Response> | Response {
  failedRender(sessions, routerContext);
  if (request.method === "HEAD") return new Response(null, { status, headers });
  return new Promise((resolve, reject) => {
    let isShellRendered = false;
    // Bots wait for the whole page.
    const isWhole = isbot(request.headers.get("user-agent") ?? "") || routerContext.isSpaMode;
    const timer = setTimeout(() => abort(), streamTimeout + 1000);
    const { abort, pipe } = renderToPipeableStream(
      <ServerRouter context={routerContext} url={request.url} />,
      {
        [isWhole ? "onAllReady" : "onShellReady"]() {
          isShellRendered = true;
          const body = new PassThrough({
            final(callback) {
              clearTimeout(timer);
              callback();
            },
          });
          headers.set("content-type", "text/html");
          pipe(body);
          resolve(new Response(createReadableStreamFromReadable(body), { status, headers }));
        },
        onShellError: reject,
        onError(error) {
          status = 500;
          if (isShellRendered) console.error(error);
        },
      },
    );
  });
}
