import type { RejectionReason } from "coatcheck";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { steps } from "./lessons.ts";
import { moment, numberTag, ticketNumber } from "./wording.ts";

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

/** What `/inside` shows. `ticketParts` are lengths: no character of the ticket's secret reaches the page. */
export type InsidePage = {
  cookieName: string;
  ticketParts: readonly number[] | undefined;
  /** Why the browser's ticket was refused, if it was. */
  rejection: RejectionReason | undefined;
  /** The id of a ticket that is over, if it is known. */
  torn: string | undefined;
  /** The name of the device cookie, by which a browser that was kept logged in is recognized, if there is one. */
  deviceCookie: string | undefined;
  record: RecordFacts | undefined;
  entries: readonly (readonly [string, unknown])[];
};

/** The two views of a session. */
export const INSIDE_STEPS = [
  { path: "/inside", name: "For you" },
  { path: "/inside/disk", name: "On disk" },
];

/** `/inside`: the lesson in one picture. */
export function insideView(inside: InsidePage): Html {
  const { cookieName, ticketParts, record, entries, deviceCookie, torn } = inside;
  return html`<h1>Inside the session</h1>
    ${steps(INSIDE_STEPS, "/inside")}
    <p class="lead">
      Here is all that your browser holds of the session, and what the server keeps for whoever brings that
      ticket. The number joins them.
    </p>
    <div class="picture">
      <section aria-labelledby="browser-holds">
        <h2 id="browser-holds">Your browser holds</h2>
        ${
          ticketParts && record
            ? ticket(cookieName, { id: record.id, lengths: ticketParts, permanent: record.permanent })
            : noTicket(inside)
        }
        ${record !== undefined && torn !== undefined ? tornTicket(torn, "logged out") : ""}
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
        ${record ? coat(record, entries) : torn === undefined ? nothingKept() : ""}
        ${
          torn === undefined
            ? ""
            : html`<article class="empty taken ${isOver(inside) ? "gone" : ""}" id="taken">
                ${hanger()}
                <p>${numberTag(torn)} ${underTorn(inside)}</p>
              </article>`
        }
      </section>
    </div>
    <p class="hint">
      ${record === undefined ? "" : "You see the values in clear because they are yours."}
      <a href="/inside/disk">What lies on disk</a> is something else. Then <a href="/break">break it</a>, or
      end it from <a href="/two-browsers">another browser</a>.
    </p>`;
}

const PARTS = [
  { name: "id", meaning: "names the record, and begins with the number above; no secret" },
  { name: "secret", meaning: "proves that the ticket is yours" },
  { name: "mac", meaning: "shows that this site wrote it" },
];

function ticket(
  cookieName: string,
  { id, lengths, permanent }: { id: string; lengths: readonly number[]; permanent: boolean },
): Html {
  const total = lengths.reduce((sum, length) => sum + length, lengths.length - 1);
  return html`<div class="ticket">
    <p class="ticket-name">${numberTag(id)}</p>
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
      One cookie of ${total} characters: <code>${cookieName}</code> <code>HttpOnly</code> <code>Secure</code>
      <code>SameSite=Lax</code>
      <code>${permanent ? "Max-Age" : "until the browser closes"}</code>
    </p>
  </div>`;
}

function noTicket({ rejection, torn }: InsidePage): Html {
  if (rejection !== undefined) {
    return html`${tornTicket(torn, rejection)}
      <p>
        Your browser still sends it, but it opens nothing: ${WHY[rejection]}.
        <a href="/session_set">Put something into a new session</a>, or <a href="/login">log in</a>.
      </p>`;
  }
  return html`<article class="empty">
    <p>
      No ticket yet. Reading makes none: <a href="/session_set">put something into the session</a>, or
      <a href="/login">log in</a>.
    </p>
  </article>`;
}

const WHY: Record<RejectionReason, string> = {
  ended: "its session has ended",
  superseded: "its session has a newer ticket",
  forged: "this site did not write it, or somebody changed it",
  malformed: "it does not have the form of a ticket",
  ambiguous: "it came with another one, and nothing tells which is yours",
  unreadable: "the record that it names is damaged",
  "cross-origin": "another site sent it",
};

function tornTicket(id: string | undefined, why: string): Html {
  return html`<div class="torn" id="torn">
    <div class="ticket torn-left">${numberTag(id)}</div>
    <div class="ticket torn-right"><span>${why}</span></div>
  </div>`;
}

/** Whether the session of the torn ticket is over, and not only the ticket. */
function isOver({ record, rejection }: InsidePage): boolean {
  return record !== undefined || rejection === "ended";
}

function underTorn(inside: InsidePage): string {
  if (isOver(inside)) return "An empty hanger: nothing is kept under this number any more, for anybody.";
  return inside.rejection === "superseded"
    ? "The coat still hangs here, under a newer ticket."
    : "Whatever hangs here is not given out for this ticket.";
}

function hanger(): Html {
  return html`<svg class="hanger-icon" viewBox="0 0 48 30" width="48" height="30" aria-hidden="true">
    <path
      fill="none"
      stroke="currentColor"
      stroke-width="2.5"
      stroke-linecap="round"
      stroke-linejoin="round"
      d="M20 6a4 4 0 1 1 4 4v3M24 13 4 25a1.6 1.6 0 0 0 1 3h38a1.6 1.6 0 0 0 1-3z"
    />
  </svg>`;
}

function nothingKept(): Html {
  return html`<article class="empty"><p>Nothing. Visitors who only read leave no record here.</p></article>`;
}

function coat(record: RecordFacts, entries: InsidePage["entries"]): Html {
  return html`<article class="coat">
    <p class="coat-number">${numberTag(record.id)}</p>
    <h3>What was put in</h3>
    ${
      entries.length === 0
        ? html`<div class="rail-empty" id="empty-hanger">
            ${hanger()}<span class="hint">Nothing yet.</span>
          </div>`
        : html`<ul class="rail">
            ${entries.map(
              ([key, value]) =>
                html`<li>
                  ${hanger()}
                  <div>
                    <code>${key}</code> <small>${typeName(value)}</small>
                    <span class="long">${shown(value)}</span>
                  </div>
                </li>`,
            )}
          </ul>`
    }
    <h3>About the session</h3>
    <dl class="kept">
      <div>
        <dt>id</dt>
        <dd><code>${ticketNumber(record.id)}…</code></dd>
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
