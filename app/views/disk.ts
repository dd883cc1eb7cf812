import type { SessionRecord } from "coatcheck/store";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { INSIDE_STEPS } from "./inside.ts";
import { steps } from "./lessons.ts";
import { moment, numberTag, ticketNumber } from "./wording.ts";

/** What `/inside/disk` shows: the record as the store returns it. */
export type DiskPage = {
  record: SessionRecord | null;
  storeName: string;
  /** Whether the fields are sealed. They are not if they never leave the process. */
  isSealed: boolean;
};

/** How many bytes are shown of a value. */
const SHOWN_BYTES = 20;

/** `/inside/disk`: what a thief of the database would get. */
export function diskView({ record, storeName, isSealed }: DiskPage): Html {
  return html`<h1>Inside the session</h1>
    ${steps(INSIDE_STEPS, "/inside/disk")}
    <p class="lead">
      ${
        isSealed
          ? html`This is your session's record as the <code>${storeName}</code> store returns it, read for
              this very page: what a thief of the database would get.`
          : html`This site keeps its sessions in the <code>${storeName}</code> store, in the memory of its
              process. Nothing lies on disk, so nothing is sealed, and the values are not shown here.`
      }
    </p>
    ${record === null ? nothing() : recordView(record, isSealed)}`;
}

function nothing(): Html {
  return html`<article class="empty">
    <p id="nothing">
      Nothing lies there for you. <a href="/session_set">Put something into the session</a>, or
      <a href="/login?return=/inside/disk">log in</a>.
    </p>
  </article>`;
}

function recordView(record: SessionRecord, isSealed: boolean): Html {
  return html`<div class="disk">
    <article>
      <h2>${numberTag(record.id)} The record</h2>
      <dl class="kept">
        ${row("id", html`<code>${ticketNumber(record.id)}…</code>`, "the number on the ticket, and no secret")}
        ${row(
          "verifier",
          html`<code>${hex(record.verifier)}</code>`,
          "SHA-256 of the secret in the ticket. The secret itself lies nowhere",
        )}
        ${row("subject", record.subject === null ? "null" : html`<code>${record.subject}</code>`, "who is logged in: readable")}
        ${row("created", moment(new Date(record.createdAt)), "readable, as all times are")}
        ${row("last seen", moment(new Date(record.lastSeenAt)), "")}
        ${row("revision", String(record.revision), "how often it was written")}
        ${row("epoch", String(record.epoch), "rises with each login and logout of this record")}
      </dl>
      <h3>Its fields</h3>
      ${
        record.fields.size === 0
          ? html`<p class="hint">None yet.</p>`
          : html`<dl class="kept" id="fields">
              ${[...record.fields].map(([name, bytes]) =>
                row(
                  name,
                  isSealed ? html`<code>${hex(bytes)}</code>` : "not shown",
                  `${bytes.length} bytes${isSealed ? ", sealed with AES-256-GCM" : ""}`,
                ),
              )}
            </dl>`
      }
    </article>
    <section aria-labelledby="thief">
      <h2 id="thief">What a thief would get</h2>
      <ul class="thief">
        <li>
          <strong>No login.</strong> A cookie needs the secret, and only its hash is here: 32 random bytes
          can't be guessed from it. It would also need a signature, made with a key that is not in the store.
        </li>
        ${
          isSealed
            ? html`<li>
                <strong>No values.</strong> Each is sealed with a key made from the site's secret, for this
                record and this field: copied elsewhere, it opens no more.
              </li>`
            : ""
        }
        <li>
          <strong>But:</strong> which user was here and when, what the fields are called, and how long their
          values are.
        </li>
        <li>
          <strong>With the site's secret key, too,</strong> everything. So keep it elsewhere than the
          database.
        </li>
      </ul>
      <p class="hint">
        A field is called <code>d:</code> for data, <code>f:</code> for a waiting message, and
        <code>m:</code> for what the library notes itself, such as the browser's name.
      </p>
    </section>
  </div>`;
}

function row(name: string, value: Html | string, meaning: string): Html {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value}${meaning === "" ? "" : html`<small>${meaning}</small>`}</dd>
  </div>`;
}

function hex(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, SHOWN_BYTES))
    .toString("hex")
    .replaceAll(/(.{8})(?=.)/g, "$1 ");
  return bytes.length > SHOWN_BYTES ? `${text}…` : text;
}
