import type { NodeResponse } from "./node-message.ts";

/**
 * Puts off the end of a response's connection until the response has left. In Node an answer that was given is
 * on its way at once, and arrives although the connection is destroyed right after it; one that waits would not.
 *
 * @returns ends the connection, if somebody wanted that meanwhile; `undefined` where there is no connection.
 */
export function keepSocket(response: NodeResponse): (() => void) | undefined {
  const { socket } = response;
  // Over HTTP/2 many responses share a connection.
  if (socket === undefined || socket === null || response.stream !== undefined) return undefined;
  const { destroy } = socket;
  let wanted: unknown[] | undefined;
  const later = (...args: unknown[]): unknown => {
    wanted ??= args;
    return socket;
  };
  socket.destroy = later;
  return () => {
    if (socket.destroy === later) socket.destroy = destroy;
    if (wanted !== undefined) Reflect.apply(destroy, socket, wanted);
  };
}
