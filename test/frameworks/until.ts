import assert from "node:assert/strict";

/**
 * Resolves when a development server does what is expected.
 *
 * @param again what to do now and then meanwhile: a server may miss a file that changes while it starts.
 */
export async function until(isSo: () => Promise<boolean>, again?: () => void): Promise<void> {
  const deadline = AbortSignal.timeout(60_000);
  for (let asked = 1; ; asked++) {
    const answer = await isSo().catch((error: unknown) => error);
    if (answer === true) return;
    assert.ok(!deadline.aborted, `the server does not do what is expected: ${String(answer)}`);
    if (asked % 30 === 0) again?.();
    // Nothing says when a development server has reloaded, so it is asked again.
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
