// @refresh reload
import { createHandler, StartServer } from "@solidjs/start/server";
import { sessions } from "./sessions";

// "async": the response begins when all data of the page is there, so its code can still write to the session.
const app = createHandler(
  () => (
    <StartServer
      document={({ assets, children, scripts }) => (
        <html lang="en">
          <head>{assets}</head>
          <body>
            <div id="app">{children}</div>
            {scripts}
          </body>
        </html>
      )}
    />
  ),
  { mode: "async" },
);

export default {
  fetch: (request: Request) => sessions.handle(request, async (own) => app.fetch(own)),
};

// In the development server, a changed file loads this module again.
if (import.meta.hot) import.meta.hot.dispose(() => sessions.close());
