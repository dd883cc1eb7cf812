import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { moment } from "./wording.ts";

/** What the server knows about a session besides its data. */
export type RecordFacts = {
  id: string;
  subject: string | undefined;
  createdAt: Date | undefined;
  authenticatedAt: Date | undefined;
  lastSeenAt: Date | undefined;
  expiresAt: Date | undefined;
  permanent: boolean;
};

/** What `/inside` shows. `ticketParts` are lengths: no character of the ticket reaches the page. */
export type InsidePage = {
  cookieName: string;
  ticketParts: readonly number[] | undefined;
  /** The browser has a ticket that is not, or no longer, valid. */
  isRefused: boolean;
  /** The name of the device cookie, by which a browser that was kept logged in is recognized, if there is one. */
  deviceCookie: string | undefined;
  record: RecordFacts | undefined;
  entries: readonly (readonly [string, unknown])[];
};

/** `/inside`: the lesson in one picture. */
export function insideView(inside: InsidePage): Html {
  const { cookieName, ticketParts, record, entries, deviceCookie } = inside;
  return html`<h1>Inside the session</h1>
    <p class="lead">
      Here is all that your browser holds of the session, and what the server keeps for whoever brings that
      ticket.
    </p>
    <div class="picture">
      <section aria-labelledby="browser-holds">
        <h2 id="browser-holds">Your browser holds</h2>
        ${ticketParts ? ticket(cookieName, ticketParts, record?.permanent ?? false) : noTicket(inside)}
        ${
          deviceCookie === undefined
            ? ""
            : html`<p class="hint">
                And a cookie named <code>${deviceCookie}</code>, since you wanted to be kept logged in. It
                logs nobody in; it only lets this browser try your password while strangers guess at it.
              </p>`
        }
      </section>
      <div class="arrow" aria-hidden="true"></div>
      <section aria-labelledby="server-keeps">
        <h2 id="server-keeps">The server keeps</h2>
        ${record ? coat(record, entries) : html`<article class="empty"><p>Nothing. Visitors who only read leave no record here.</p></article>`}
      </section>
    </div>
    <p class="hint">
      On disk, every value is sealed with the site's secret key, and of the ticket only a fingerprint is kept:
      a copy of the database logs nobody in. You see the values in clear because they are yours.
    </p>`;
}

const PARTS = [
  { name: "id", meaning: "names the record; no secret" },
  { name: "secret", meaning: "proves that the ticket is yours" },
  { name: "mac", meaning: "shows that this site wrote it" },
];

function ticket(cookieName: string, lengths: readonly number[], permanent: boolean): Html {
  const total = lengths.reduce((sum, length) => sum + length, lengths.length - 1);
  return html`<div class="ticket">
    <p class="ticket-name"><code>${cookieName}</code></p>
    <ol class="ticket-parts">
      ${lengths.map(
        (length, at) =>
          html`<li>
            <span class="dots" aria-hidden="true">${"•".repeat(Math.min(length, 43))}</span>
            <span
              ><b>${PARTS[at]?.name ?? "part"}</b>, ${length} characters
              <small>${PARTS[at]?.meaning ?? ""}</small></span
            >
          </li>`,
      )}
    </ol>
    <p class="ticket-foot">
      One cookie of ${total} characters. <code>HttpOnly</code> <code>Secure</code> <code>SameSite=Lax</code>
      <code>${permanent ? "Max-Age" : "until the browser closes"}</code>
    </p>
  </div>`;
}

function noTicket({ cookieName, isRefused }: InsidePage): Html {
  if (isRefused) {
    return html`<article class="empty">
      <p>
        A cookie named <code>${cookieName}</code> that opens nothing: its session has ended, or somebody
        edited it. <a href="/session_set">Put something into a new session</a>, or
        <a href="/login">log in</a>.
      </p>
    </article>`;
  }
  return html`<article class="empty">
    <p>
      No ticket yet. Reading makes none: <a href="/session_set">put something into the session</a>, or
      <a href="/login">log in</a>.
    </p>
  </article>`;
}

function coat(record: RecordFacts, entries: InsidePage["entries"]): Html {
  return html`<article class="coat">
    <h3>What was put in</h3>
    ${
      entries.length === 0
        ? html`<p class="hint">Nothing yet.</p>`
        : html`<dl class="kept">
            ${entries.map(
              ([key, value]) =>
                html`<div>
                  <dt><code>${key}</code></dt>
                  <dd class="long">${shown(value)}</dd>
                  <dd><small>${typeName(value)}</small></dd>
                </div>`,
            )}
          </dl>`
    }
    <h3>About the session</h3>
    <dl class="kept">
      <div>
        <dt>id</dt>
        <dd><code>${record.id.slice(0, 6)}…</code></dd>
      </div>
      <div>
        <dt>subject</dt>
        <dd>
          ${record.subject === undefined ? "nobody is logged in" : html`<code>${record.subject}</code>`}
        </dd>
      </div>
      <div>
        <dt>created</dt>
        <dd>${moment(record.createdAt)}</dd>
      </div>
      <div>
        <dt>logged in</dt>
        <dd>${moment(record.authenticatedAt)}</dd>
      </div>
      <div>
        <dt>last seen</dt>
        <dd>${moment(record.lastSeenAt)}</dd>
      </div>
      <div>
        <dt>ends</dt>
        <dd>${moment(record.expiresAt)}</dd>
      </div>
      <div>
        <dt>permanent</dt>
        <dd>${record.permanent ? "yes" : "no"}</dd>
      </div>
    </dl>
  </article>`;
}

function shown(value: unknown): string {
  if (value === "") return "(empty)";
  if (typeof value === "string") return value;
  return JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? `${part}n` : part)) ?? "";
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") return typeof value;
  return Array.isArray(value) ? "array" : value.constructor.name;
}
