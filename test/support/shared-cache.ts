/** A shared cache that follows RFC 9111, and keeps all it may: what it hands to another visitor is the site's own fault. */
export class SharedCache {
  readonly #entries: {
    readonly url: string;
    readonly vary: Map<string, string | null>;
    readonly response: Response;
  }[] = [];
  /** How many answers came from the cache. */
  hits = 0;

  async fetch(request: Request, origin: (request: Request) => Promise<Response>): Promise<Response> {
    const entry = this.#entries.find(
      ({ url, vary }) =>
        url === request.url && [...vary].every(([name, value]) => request.headers.get(name) === value),
    );
    if (entry !== undefined && request.method === "GET") {
      this.hits++;
      return entry.response.clone();
    }
    const response = await origin(request);
    const vary = (response.headers.get("vary") ?? "").split(",").map((name) => name.trim().toLowerCase());
    if (request.method === "GET" && isKept(response) && !vary.includes("*")) {
      const names = vary.filter((name) => name !== "");
      this.#entries.push({
        url: request.url,
        vary: new Map(names.map((name) => [name, request.headers.get(name)])),
        response: response.clone(),
      });
    }
    return response;
  }
}

/** Whether a shared cache may store this and use it again without asking (RFC 9111, 3 and 4). */
function isKept(response: Response): boolean {
  const directives = (response.headers.get("cache-control") ?? "")
    .split(",")
    .map((part) => part.trim().toLowerCase());
  // Without any directive it may guess a lifetime, also for errors and redirects of these kinds.
  const heuristically = [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501].includes(response.status);
  const explicitly = directives.some((part) => part === "public" || /^(s-maxage|max-age)=[1-9]/.test(part));
  const forbidden = directives.some((part) => ["no-store", "private", "no-cache"].includes(part));
  return !forbidden && (heuristically || explicitly);
}
