// Gives the test the app of Nitro, in the same process.

// Types are looked at in the repository, where Nitro is not.
// @ts-nocheck
// oxlint-disable import/no-default-export
export default (nitroApp) => {
  if (globalThis.coatcheckContract !== undefined) globalThis.coatcheckContract.nitroApp = nitroApp;
};
