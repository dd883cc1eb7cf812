// The site's only script: it shows at once what a reload would show. Every page works without it.

const events = document.querySelector("#events");
if (events) {
  const live = document.querySelector("#live");
  const source = new EventSource(events.dataset.stream);
  source.addEventListener("open", () => {
    live.textContent = "Listening: new events appear by themselves.";
  });
  source.addEventListener("seen", ({ data }) => {
    // Markup of this site's own, in which every value is escaped.
    events.insertAdjacentHTML("afterbegin", data);
    document.querySelector("#no-events")?.remove();
    live.innerHTML = 'Listening. What stands above is from before: <a href="/break">look again</a>.';
  });
  source.addEventListener("error", () => {
    live.textContent =
      source.readyState === EventSource.CLOSED
        ? "Reload to see what is new."
        : "The line broke. Trying again.";
  });
}

const card = document.querySelector("[data-line]");
if (card) {
  const line = document.querySelector("#line");
  const changed = document.querySelector("#changed");
  const source = new EventSource(card.dataset.line);
  const show = (state, text) => {
    card.dataset.state = state;
    line.textContent = text;
  };
  source.addEventListener("open", () => show("open", "The line is open: this session lives."));
  source.addEventListener("changed", () => {
    changed.innerHTML = '<a href="/two-browsers">Another browser came or went. Show it</a>';
  });
  source.addEventListener("ended", () => {
    source.close();
    show("ended", "Hung up: this session has ended. Whatever you click next, you are logged out.");
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED)
      show("closed", "There is no line: this browser notices at the next click.");
    else show("broken", "The line broke, which says nothing about the session. Trying again.");
  });
}
