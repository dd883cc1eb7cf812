/** The colours that a user can choose. Each has a class in the stylesheet, so that no page needs inline styles. */
export const COLOURS = ["green", "blue", "violet", "rose", "amber", "slate"] as const;

/** One of them. */
export type Colour = (typeof COLOURS)[number];

/** Whether a text from a form or the database names one of them. */
export function isColour(text: string): text is Colour {
  return COLOURS.some((colour) => colour === text);
}
