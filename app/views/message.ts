import { html } from "./html.ts";
import type { Html } from "./html.ts";

const STYLED = new Map([
  ["success", { sign: "✓", word: "Success" }],
  ["info", { sign: "i", word: "Information" }],
  ["warning", { sign: "!", word: "Warning" }],
  ["error", { sign: "×", word: "Error" }],
]);

/** A message that the session kept for this page, styled by its category. */
export function messageBox({ message, category }: { message: string; category: string }): Html {
  const style = STYLED.get(category);
  // A category without a style of its own (the default one, for instance) is shown plainly.
  return html`<p class="message ${style ? category : "plain"}" data-category="${category}">
    <span class="sign" aria-hidden="true">${style?.sign ?? "•"}</span>
    <span class="text"
      ><span class="sr-only">${style?.word ?? "Message"}: </span><span class="words">${message}</span></span
    >
  </p>`;
}

/** Something the page itself has to say, as long as it is so; looks like a message. */
export function noticeBox(category: "info" | "warning" | "error", content: Html | string): Html {
  return html`<p class="message ${category}" id="notice" role="${category === "error" ? "alert" : "note"}">
    <span class="sign" aria-hidden="true">${STYLED.get(category)?.sign ?? ""}</span>
    <span class="text">${content}</span>
  </p>`;
}
