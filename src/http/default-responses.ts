/** An answer without a page: what adapters say where the app says nothing. */
export interface PlainResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const plain = { "content-type": "text/plain; charset=utf-8" };

/** To a request that `sessions.allows` refused. */
export const plainForbidden: PlainResponse = {
  status: 403,
  headers: { ...plain, "cache-control": "no-store", vary: "Sec-Fetch-Site, Origin" },
  body: "This request came from another site and was refused.\n",
};

/** When the store failed where the session was needed. The visitor's cookie is left alone. */
export const plainUnavailable: PlainResponse = {
  status: 503,
  headers: { ...plain, "cache-control": "no-store", "retry-after": "5" },
  body: "The site can't tell who you are right now. Please try again in a moment.\n",
};

/** When a handler failed. */
export const plainServerError: PlainResponse = {
  status: 500,
  headers: plain,
  body: "Internal Server Error\n",
};
