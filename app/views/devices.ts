import type { SessionInfo } from "coatcheck";
import { code } from "./code.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { ownerField } from "./owner.ts";
import { ago, browserName } from "./wording.ts";

/** The longest name of a device, in UTF-16 units. */
export const MAX_DEVICE_NAME = 40;

/** After this time without a visit, a session is called quiet, in milliseconds. */
const QUIET_MS = { permanent: 2 * 86_400_000, temporary: 30 * 60_000 };

export type DevicesPage = {
  owner: string;
  devices: readonly SessionInfo[];
  names: ReadonlyMap<string, string>;
  current: string | undefined;
  now: number;
  isShared: boolean;
};

/** `given` is the name that the user chose, if any. */
type Device = { info: SessionInfo; name: string; given: string; here: boolean };

/** `/devices`. */
export function devicesView(shown: DevicesPage): Html {
  const devices = named(shown);
  const { owner, now } = shown;
  return html`<h1>Devices</h1>
    <p class="lead">
      The browsers you are logged in with. One that you do not know? End it, and
      <a href="/password">change your password</a>.
      ${
        shown.isShared
          ? "The demo account is everybody's, so you see only those at your own internet address here."
          : ""
      }
    </p>
    <ul class="devices">
      ${devices.map((device) => deviceCard(device, owner, now))}
    </ul>
    <form class="buttons" method="post" action="/devices">
      ${ownerField(owner)}
      ${devices.length === 1 ? "" : html`<button name="others" value="yes">Log out all other browsers</button>`}
      <button class="quiet" name="everywhere" value="yes">Log out everywhere</button>
    </form>
    ${devices.length === 1 ? html`<p class="hint">You are logged in nowhere else.</p>` : ""}
    ${code(`await sessions.list(user.id);             // for this page\nawait sessions.revoke(id, { subject: user.id });\nawait sessions.revokeAll(user.id);        // everywhere`)}`;
}

/** Shown if the form came from another user's list. */
export function toDevicesView(): Html {
  return html`<p><a href="/devices">See your own devices</a></p>`;
}

/** This browser first. Those with the same name are numbered, so that no two buttons say the same. */
function named({ devices, names, current }: DevicesPage): Device[] {
  const seen = new Map<string, number>();
  return devices
    .toSorted((one, other) => Number(other.id === current) - Number(one.id === current))
    .map((info) => {
      const given = names.get(info.id) ?? "";
      const name = given === "" ? browserName(info.agent) : given;
      const count = (seen.get(name) ?? 0) + 1;
      seen.set(name, count);
      const numbered = count === 1 ? name : `${name} (${count})`;
      return { info, given, name: numbered, here: info.id === current };
    });
}

function deviceCard(device: Device, owner: string, now: number): Html {
  const { info, name, given, here } = device;
  const { id } = info;
  return html`<li class="device" ${here ? html`data-current="true"` : ""}>
    <article>
      <div class="device-name">
        <strong>${name}</strong>
        ${here ? html`<span class="badge">this browser</span>` : ""}
        ${info.permanent ? html`<span class="badge faint">kept logged in</span>` : ""} ${ghost(device, now)}
      </div>
      <dl>
        ${
          given === ""
            ? ""
            : html`<div>
                <dt>Browser</dt>
                <dd>${browserName(info.agent)}</dd>
              </div>`
        }
        <div>
          <dt>Logged in</dt>
          <dd>${ago(info.authenticatedAt, now)}</dd>
        </div>
        <div>
          <dt>Last seen</dt>
          <dd>${here ? "now" : ago(info.lastSeenAt, now)}</dd>
        </div>
        <div>
          <dt>Ends</dt>
          <dd>${ago(info.expiresAt, now)}</dd>
        </div>
      </dl>
      <div class="device-actions">
        <form method="post" action="/devices">
          ${ownerField(owner)}
          <input type="hidden" name="id" value="${id}" />
          <button class="quiet small">
            ${here ? "Log out here" : "Log out"} <span class="sr-only">${name}</span>
          </button>
        </form>
        <details>
          <summary>Rename <span class="sr-only">${name}</span></summary>
          <form method="post" action="/devices">
            ${ownerField(owner)}
            <input type="hidden" name="id" value="${id}" />
            <input
              name="name"
              value="${given}"
              maxlength="${MAX_DEVICE_NAME}"
              aria-label="A name for ${name}"
              autocomplete="off"
            />
            <button class="small">Save <span class="sr-only">the name of ${name}</span></button>
          </form>
        </details>
      </div>
    </article>
  </li>`;
}

/** Marks a session whose browser has probably lost its cookie: the session only waits for its end. */
function ghost({ here, info }: Device, now: number): Html | "" {
  const { authenticatedAt, lastSeenAt, permanent } = info;
  const isQuiet = now - lastSeenAt.getTime() > (permanent ? QUIET_MS.permanent : QUIET_MS.temporary);
  if (here || !isQuiet) return "";
  // The redirect after a login is not counted: that soon, the session's clock is not moved.
  const cameBack = lastSeenAt > authenticatedAt;
  return html`<span class="badge ghost">${cameBack ? "not seen lately" : "never came back"}</span>`;
}
