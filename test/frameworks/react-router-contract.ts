// A route without a page, in the React Router site, that the contract is held against.

// Types are looked at in the repository, where React Router is not.
// @ts-nocheck
function answer(args) {
  return globalThis.coatcheckContract(`/${args.params.path}`)(args);
}

export { answer as action, answer as loader };
