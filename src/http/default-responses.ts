/** A plain text response, for adapters whose app does not provide its own. */
export interface PlainResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const plain = { "content-type": "text/plain; charset=utf-8" };

/** For a request that the cross-origin check refused. */
export const plainForbidden: PlainResponse = {
  status: 403,
  headers: { ...plain, "cache-control": "no-store", vary: "Sec-Fetch-Site, Origin" },
  body: "This request came from another site and was refused.\n",
};

/** For a request that needed the session when the store failed. It leaves the visitor's cookie unchanged. */
export const plainUnavailable: PlainResponse = {
  status: 503,
  headers: { ...plain, "cache-control": "no-store", "retry-after": "5" },
  body: "The site can't tell who you are right now. Please try again in a moment.\n",
};

/** For a request whose handler failed. */
export const plainServerError: PlainResponse = {
  status: 500,
  headers: plain,
  body: "Internal Server Error\n",
};
