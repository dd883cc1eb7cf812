import type { SessionInfo } from "coatcheck";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { ownerField } from "./owner.ts";
import { browserName, moment } from "./wording.ts";

/** `/devices`. */
export function devicesView({
  owner,
  devices,
  current,
}: {
  owner: string;
  devices: readonly SessionInfo[];
  current: string | undefined;
}): Html {
  const here = devices.filter((device) => device.id === current);
  const others = devices.filter((device) => device.id !== current);
  return html`<h1>Devices</h1>
    <p class="lead">
      The browsers you are logged in with. One that you do not know? End it, and change your password.
    </p>
    <ul class="devices">
      ${here.map((device) => deviceCard(device, owner, true))}
      ${others.map((device) => deviceCard(device, owner, false))}
    </ul>
    ${
      others.length === 0
        ? html`<p class="hint">You are logged in nowhere else.</p>`
        : html`<form method="post" action="/devices">
            ${ownerField(owner)}
            <button name="others" value="yes">Log out all other browsers</button>
          </form>`
    }`;
}

/** Shown if the form came from another user's list. */
export function toDevicesView(): Html {
  return html`<p><a href="/devices">See your own devices</a></p>`;
}

function deviceCard(device: SessionInfo, owner: string, here: boolean): Html {
  return html`<li class="device" ${here ? html`data-current="true"` : ""}>
    <article>
      <div class="device-name">
        <strong>${browserName(device.agent)}</strong>
        ${here ? html`<span class="badge">this browser</span>` : ""}
        ${device.permanent ? html`<span class="badge faint">kept logged in</span>` : ""}
      </div>
      <dl>
        <div>
          <dt>Logged in</dt>
          <dd>${moment(device.authenticatedAt ?? device.createdAt)}</dd>
        </div>
        <div>
          <dt>Last seen</dt>
          <dd>${moment(device.lastSeenAt)}</dd>
        </div>
        <div>
          <dt>Ends</dt>
          <dd>${moment(device.expiresAt)}</dd>
        </div>
      </dl>
      <form method="post" action="/devices">
        ${ownerField(owner)}
        <input type="hidden" name="id" value="${device.id}" />
        <button class="quiet small">${here ? "Log out here" : "Log out"}</button>
      </form>
    </article>
  </li>`;
}
