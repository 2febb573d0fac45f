// What a server cannot do for an open page: let its clocks go on, and say whether it still hears of what happens. Everything else is HTML that the server
// has rendered; Turbo puts it in its place.
(() => {
  "use strict";

  Turbo.session.drive = false;

  // A place for an environment that the page does not have yet.
  Turbo.StreamActions.place = function () {
    const id = this.getAttribute("place");
    if (!document.getElementById(id)) {
      const place = document.createElement("article");
      place.id = id;
      document.getElementById(this.target)?.append(place);
    }
  };

  // How long a deployment runs: from what the server said, by a clock that nobody sets.
  const begun = new WeakMap();

  function words(seconds) {
    const two = (number) => String(number).padStart(2, "0");
    if (seconds < 60) return `${seconds} s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} min`;
    return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
  }

  function tick() {
    for (const clock of document.querySelectorAll(".clock[data-seconds]")) {
      const said = Number(clock.dataset.seconds);
      let known = begun.get(clock);
      if (known?.said !== said) {
        known = { said, at: performance.now() };
        begun.set(clock, known);
      }
      const text = words(said + Math.floor((performance.now() - known.at) / 1000));
      if (clock.textContent !== text) clock.textContent = text;
    }
  }
  tick();
  setInterval(tick, 1000);

  // The server says something every 15 seconds. An EventSource comes back by itself when the link broke, but not when the answer was an error, and it
  // does not notice a link that has fallen silent.
  const SILENCE = 40_000;
  const PAUSE = 3_000;
  const state = document.getElementById("live");
  let heardAt = performance.now();
  let live = null;

  function say(isLive) {
    if (isLive === live) return;
    live = isLive;
    state.hidden = false;
    state.className = isLive ? "is-live" : "not-live";
    state.textContent = isLive
      ? "Live"
      : `Not live since ${new Date().toISOString().slice(11, 19)}: what you see may be old. Trying again …`;
  }

  function heard() {
    heardAt = performance.now();
    say(true);
  }

  function watch(element) {
    const source = element.streamSource;
    source.addEventListener("open", heard);
    source.addEventListener("message", heard);
    source.addEventListener("alive", heard);
    source.addEventListener("error", () => setTimeout(() => {
      if (source.readyState !== EventSource.OPEN) say(false);
    }, PAUSE));
    const check = setInterval(() => {
      const silent = performance.now() - heardAt > SILENCE;
      if (silent) say(false);
      if (silent || source.readyState === EventSource.CLOSED) {
        clearInterval(check);
        heardAt = performance.now();
        const next = element.cloneNode();
        element.replaceWith(next);
        watch(next);
      }
    }, PAUSE);
  }

  const element = document.querySelector("turbo-stream-source");
  if (element && state) watch(element);
})();
