// Gives the test the app of Nitro, in the same process, and a route that does what the test says.

// Types are looked at in the repository, where Nuxt is not.
// @ts-nocheck
// oxlint-disable import/no-default-export
export default defineNitroPlugin((nitroApp) => {
  if (globalThis.coatcheckContract === undefined) return;
  globalThis.coatcheckContract.nitroApp = nitroApp;
  nitroApp.router.use(
    "/contract/:place/**",
    defineEventHandler((event) =>
      globalThis.coatcheckContract[getRouterParam(event, "place")](toWebRequest(event), event),
    ),
  );
});
