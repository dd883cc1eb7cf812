/** A lesson: where it begins, and the other pages that belong to it. */
export type Lesson = { path: string; name: string; about: string; also: readonly string[] };

/** The lessons in their order. The navigation, the home page and the links at the end of each lesson follow it. */
export const COURSE: readonly Lesson[] = [
  {
    path: "/login",
    name: "Log in",
    about: "The session remembers who you are, and every page can ask it.",
    also: ["/user", "/logout"],
  },
  {
    path: "/session_set",
    name: "Session",
    about: "Set, get, delete and clear: as easy as a dictionary.",
    also: ["/session_get", "/session_delete"],
  },
  { path: "/counter", name: "Counter", about: "One value, many tabs, and no lost update.", also: [] },
  {
    path: "/flash",
    name: "Messages",
    about: "Shown once, on the next page, even across redirects.",
    also: [],
  },
  {
    path: "/cookie_set",
    name: "Cookies",
    about: "Plain, signed and sealed, and what happens to an edited one.",
    also: ["/cookies_get", "/cookies_delete"],
  },
  {
    path: "/devices",
    name: "Devices",
    about: "Every browser you are logged in with, and a button to end it.",
    also: [],
  },
  {
    path: "/inside",
    name: "Inside",
    about: "What the server keeps for you, beside what your browser holds.",
    also: [],
  },
  {
    path: "/races",
    name: "Races",
    about: "Two requests at once, and what other packages lose in them.",
    also: [],
  },
  {
    path: "/break",
    name: "Break it",
    about: "Edit the cookie, replay it, take the store away, and watch.",
    also: [],
  },
  {
    path: "/two-browsers",
    name: "Two browsers",
    about: "End one session from another browser, and see it hang up.",
    also: [],
  },
];

/** The lesson that a page, or a page below it, belongs to, with its number and its neighbours. */
export function lessonAt(
  path: string,
): { number: number; previous: Lesson | undefined; next: Lesson | undefined } | undefined {
  const at = COURSE.findIndex(
    (lesson) => lesson.path === path || path.startsWith(`${lesson.path}/`) || lesson.also.includes(path),
  );
  return at === -1 ? undefined : { number: at + 1, previous: COURSE[at - 1], next: COURSE[at + 1] };
}
