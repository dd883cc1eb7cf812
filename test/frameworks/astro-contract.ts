// An endpoint of the Astro site that the contract is held against.

// Types are looked at in the repository, where Astro is not.
// @ts-nocheck
function answer(context) {
  return globalThis.coatcheckContract(`/${context.params.path}`)(context);
}

export { answer as ALL };
