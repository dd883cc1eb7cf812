// An endpoint of the SvelteKit site that the contract is held against.

// Types are looked at in the repository, where SvelteKit is not.
// @ts-nocheck
async function answer(event) {
  return globalThis.coatcheckContract(`/${event.params.path}`)(event);
}

export { answer as GET, answer as HEAD, answer as POST };
