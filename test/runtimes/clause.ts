/** What must hold in a runtime; throws when it does not. Needs no test runner, for not every runtime has one. */
export interface RuntimeClause {
  readonly name: string;
  check(): Promise<void>;
}

/** How the runtime serves: takes a handler of the fetch kind, answers a door to it. */
export type Serve = (handler: (request: Request) => Promise<Response>) => Promise<Door>;

/** How a request differs from a plain GET. */
export interface Sending {
  readonly method?: string;
  readonly headers?: NonNullable<RequestInit["headers"]>;
  readonly body?: string | null;
  readonly signal?: AbortSignal;
}

/** A door to a handler that is being served. */
export interface Door {
  /** Sends a request as a client does; redirects are not followed. */
  send(path: string, init?: Sending): Promise<Response>;
  close(): Promise<void>;
}

/** What a run found, one object on the last line that it prints. */
export interface Report {
  readonly version: string;
  /** How many clauses held, by the part of the suite they belong to. */
  readonly held: Readonly<Record<string, number>>;
  /** Parts that this runtime can't have, and says so; what held of them is that it does. */
  readonly lacks: readonly string[];
  /** One line for each clause that did not hold. */
  readonly faults: readonly string[];
}
