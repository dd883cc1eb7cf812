import type { FetchHandler, Sessions } from "coatcheck";

/**
 * `sessions.handle` for handlers that assert something. What they throw becomes a response with status 500, which no
 * test would notice, so it is thrown again once the request is over.
 */
export async function handleLoudly<Data extends object>(
  sessions: Sessions<Data>,
  request: Request,
  handler: FetchHandler,
): Promise<Response> {
  const thrown: unknown[] = [];
  const onError = (error: unknown): Response => {
    thrown.push(error);
    return new Response(null, { status: 500 });
  };
  const response = await sessions.handle(request, handler, { onError });
  for (const error of thrown) throw error;
  return response;
}
