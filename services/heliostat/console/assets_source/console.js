// What every page does: keeps what changes by itself fresh, says what went wrong, shows times in the reader's own zone.
// No inline script and no eval anywhere: the content security policy forbids both.
(() => {
  "use strict";
  const body = document.body;
  const byId = (id) => document.getElementById(id);

  // Times.
  const hours = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
  const looks = { time: hours, moment: { day: "numeric", month: "short", ...hours } };
  // A format is made when the first time of its kind is met: that takes milliseconds, and many pages show no time.
  const formats = {};
  const localize = (root) => {
    for (const time of root.querySelectorAll("time[data-local]")) {
      const moment = new Date(time.dateTime);
      if (Number.isNaN(moment.getTime())) continue;
      const look = time.dataset.local;
      formats[look] ??= new Intl.DateTimeFormat(undefined, looks[look]);
      time.title = time.textContent;
      time.textContent = formats[look].format(moment);
    }
  };

  // Sentences for people, read out at once, gone after a while.
  const say = (sentence) => {
    const told = document.createElement("p");
    told.textContent = sentence.slice(0, 500);
    byId("toast").append(told);
    setTimeout(() => told.remove(), 8000);
  };

  // Elements that the server sends anew. One that somebody has hold of waits until it is let go.
  const waiting = new Map();
  let held = null;
  const isBusy = (element) => {
    const active = document.activeElement;
    if (held && element.contains(held)) return true;
    if (!active || !element.contains(active)) return false;
    return active.matches("input:not([type=range]), textarea, select") && active.value !== active.defaultValue;
  };
  const put = (fresh) => {
    const old = byId(fresh.id);
    if (!old) return;
    if (isBusy(old)) {
      waiting.set(fresh.id, fresh);
      return;
    }
    const focus = document.activeElement && old.contains(document.activeElement) ? document.activeElement.id : "";
    old.replaceWith(fresh);
    localize(fresh);
    window.htmx.process(fresh);
    if (focus && byId(focus)) byId(focus).focus({ preventScroll: true });
  };
  const release = () => {
    held = null;
    setTimeout(() => {
      const elements = [...waiting.values()];
      waiting.clear();
      elements.forEach(put);
    }, 50);
  };
  addEventListener("pointerdown", (event) => { held = event.target.closest("input[type=range]"); });
  addEventListener("pointerup", release);
  addEventListener("pointercancel", release);
  addEventListener("focusout", release);

  // What changes by itself, over one stream of events.
  const listen = () => {
    const query = new URLSearchParams({ topics: body.dataset.topics, since: body.dataset.since });
    const source = new EventSource(`/events?${query}`);
    const silent = byId("silent");
    let patience = 0;
    source.addEventListener("open", () => {
      clearTimeout(patience);
      patience = 0;
      silent.hidden = true;
    });
    source.addEventListener("error", () => {
      patience ||= setTimeout(() => { silent.hidden = false; }, 1500);
      if (source.readyState === EventSource.CLOSED) {
        // Refused for good, such as by a login that is over: a page made anew leads there.
        setTimeout(() => location.reload(), 5000);
      }
    });
    source.addEventListener("patch", (event) => {
      const template = document.createElement("template");
      template.innerHTML = event.data;
      const awayCount = () => byId("standing").childElementCount;
      const before = awayCount();
      for (const fresh of [...template.content.children]) put(fresh);
      // A page that could not be made is made anew as soon as somebody is back.
      if (awayCount() < before && body.querySelector("[data-comes-back]")) location.reload();
    });
    source.addEventListener("structure", () => {
      const roads = byId("roads");
      if (!roads) return;
      const query = new URLSearchParams({ q: byId("search")?.value ?? "", all: roads.dataset.all ?? "" });
      window.htmx.ajax("GET", `/street/roads?${query}`, { target: "#roads", swap: "outerHTML" });
    });
    // The server was started anew since this page was made. A page on which somebody works says so by data-keep.
    source.addEventListener("stale", () => {
      source.close();
      if (body.querySelector("[data-keep]")) {
        say("The console was started anew: load this page again to see what changes.");
      } else {
        location.reload();
      }
    });
    source.addEventListener("data", (event) => {
      const { name, ...detail } = JSON.parse(event.data);
      dispatchEvent(new CustomEvent(`heliostat:${name}`, { detail }));
    });
  };

  // Light and dark: as the system says, until somebody chooses.
  const switchTheme = () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    document.cookie = `heliostat_theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=strict`;
  };

  addEventListener("click", (event) => {
    if (event.target.closest("[data-theme-switch]")) switchTheme();
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      const text = byId(copy.dataset.copy).textContent;
      navigator.clipboard.writeText(text).then(() => say("Copied."), () => say("The browser does not let pages copy."));
    }
  });
  addEventListener("input", (event) => {
    const output = event.target.matches("input[type=range]") && event.target.closest("label")?.querySelector("output");
    if (output) output.value = event.target.value;
  });
  body.addEventListener("htmx:responseError", (event) => {
    const { status, responseText } = event.detail.xhr;
    say(responseText && responseText.length < 600 ? responseText : `That did not work (${status}).`);
  });
  body.addEventListener("htmx:sendError", () => say("The console does not answer. Try again in a moment."));
  body.addEventListener("htmx:afterSettle", (event) => localize(event.detail.elt));
  body.addEventListener("htmx:beforeSwap", () => waiting.clear());

  // The list of requests: how many have come since it was made.
  addEventListener("heliostat:traffic", (event) => {
    const link = byId("new-requests");
    if (!link) return;
    const count = event.detail.begun - Number(link.dataset.begun);
    link.hidden = count <= 0;
    link.textContent = count === 1 ? "Show 1 new request" : `Show ${count} new requests`;
  });

  window.heliostat = { csrf: body.dataset.csrf, localize, say };
  localize(document);
  listen();
})();
