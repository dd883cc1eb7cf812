import type { SessionInfo } from "coatcheck";
import { staticUrl } from "../static.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { ownerField } from "./owner.ts";
import { ago, browserName, numberTag, ticketNumber } from "./wording.ts";

/** What `/two-browsers` shows. */
export type TwoBrowsersPage = {
  owner: string;
  devices: readonly SessionInfo[];
  current: string | undefined;
  now: number;
};

/** `/two-browsers`. */
export function twoBrowsersView({ owner, devices, current, now }: TwoBrowsersPage): Html {
  const others = devices.filter((device) => device.id !== current);
  return html`<h1>Two browsers</h1>
    <p class="lead">
      End a session in one browser, and watch the other one hang up. With a session that is only a cookie, as
      Flask's is, there would be nothing to end: a stolen laptop stays logged in.
    </p>
    <div class="columns">
      <article class="line" data-line="/two-browsers/line">
        <h2>This browser</h2>
        <div class="cord">
          ${numberTag(current)}
          <span class="cord-line" aria-hidden="true"></span>
          <span class="cord-end">server</span>
        </div>
        <p id="line" role="status">
          Without scripts there is no line to hang up: this browser notices at the next click.
        </p>
        <p class="hint" id="line-more">
          The line is an event stream. The server holds it open as long as the session lives, and asks nothing
          of the browser.
        </p>
        <p><a href="/two-browsers">Click here to see whether you are still logged in</a></p>
      </article>
      <article>
        <h2>The others</h2>
        ${
          others.length === 0
            ? html`<ol>
                <li>Open a private window, or another browser.</li>
                <li>Go to <code>/two-browsers</code> there, and log in with the same name.</li>
                <li>It appears here, and you appear there. End one.</li>
              </ol>`
            : html`<ul class="browsers">
                ${others.map(
                  (device) =>
                    html`<li>
                      <span
                        >${numberTag(device.id)} <strong>${browserName(device.agent)}</strong
                        ><small>last seen ${ago(device.lastSeenAt, now)}</small></span
                      >
                      <form method="post" action="/two-browsers">
                        ${ownerField(owner)}
                        <input type="hidden" name="id" value="${device.id}" />
                        <button class="small">
                          End<span class="sr-only"> No. ${ticketNumber(device.id)}</span>
                        </button>
                      </form>
                    </li>`,
                )}
              </ul>`
        }
        <p class="hint" id="changed">
          ${others.length === 0 ? "Reload when the other browser has logged in." : "Reload to see who else has come."}
        </p>
      </article>
    </div>
    <script type="module" src="${staticUrl("live.js")}"></script>`;
}

/** Shown if the form came from another user's list. */
export function toTwoBrowsersView(): Html {
  return html`<p><a href="/two-browsers">See your own browsers</a></p>`;
}
