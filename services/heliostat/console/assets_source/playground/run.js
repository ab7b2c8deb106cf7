// One run at a time: sends it, follows it, sends it again where the connection broke, and shows what came.
import { asked, bench, byId, fragment, headers, sentence } from "./page.js";
import { lookAtStep } from "./look.js";

const chain = bench?.dataset.chain;
// The request that is looked at: the next step goes on from it.
let at = bench?.dataset.at;
let running = null;
export const isRunning = () => Boolean(running);
export const lookedAt = () => at;

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const randomKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
// Buttons are as a run's beginning, its end, or another picture leaves them.
const tellSteps = () => bench.dispatchEvent(new Event("steps"));

const note = (text, bad = false) => {
  const line = document.createElement("li");
  line.textContent = text;
  line.dir = "auto";
  if (bad) line.className = "trouble";
  byId("notes").append(line);
};
const preview = ({ index, src }) => {
  const id = `preview-${index}`;
  let picture = byId(id);
  if (!picture) {
    picture = document.createElement("img");
    picture.id = id;
    picture.alt = `Preview of picture ${index + 1}`;
    const entry = document.createElement("li");
    entry.append(picture);
    byId("previews").append(entry);
  }
  picture.src = src;
};
const busy = (title) => {
  byId("run").hidden = !title;
  byId("run-title").textContent = title;
  bench.toggleAttribute("data-busy", Boolean(title));
  for (const button of bench.querySelectorAll("#draw, [data-use-mask]")) button.disabled = Boolean(title);
  tellSteps();
  if (!title) return;
  byId("notes").replaceChildren();
  byId("previews").replaceChildren();
  byId("run-progress").removeAttribute("value");
};

export const fetched = async (request) => (await asked(`/playground/runs/${encodeURIComponent(request)}`)).json();
export const show = (told) => {
  byId("result").replaceWith(...fragment(told.html).children);
  if (told.chain) byId("chain").replaceWith(...fragment(told.chain).children);
  // On a narrow page the step that is looked at may be beyond the edge of the strip.
  const strip = bench.querySelector(".strip");
  const here = strip?.querySelector(".strip-at");
  if (here) strip.scrollLeft = here.offsetLeft - strip.offsetLeft - (strip.clientWidth - here.offsetWidth) / 2;
  if (told.request) {
    at = told.request;
    history.replaceState(null, "", `/playground?${new URLSearchParams({ chain, at })}`);
  }
  tellSteps();
};
const showTrouble = (text) => {
  const line = document.createElement("p");
  line.className = "card error-card";
  line.textContent = text;
  const result = byId("result");
  delete result.dataset.request;
  result.replaceChildren(line);
};

const on = {
  admitted: (told) => { running.request = told.request; },
  note: (told) => note(told.text, told.bad),
  progress: (told) => { byId("run-progress").value = told.percent; },
  preview,
  away: (told) => note(told.text, true),
  done: show,
  failed: show,
};
// Follows one sending. True where its last event came.
const follow = async (body) => {
  const answer = await fetch("/playground/runs", { method: "POST", body, headers, signal: running.abort.signal });
  if (answer.status === 503 || answer.status === 504) return false;
  if (!answer.ok) throw new Error(await sentence(answer));
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return false;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/s.exec(part) ?? [];
      if (name) on[name]?.(JSON.parse(data));
      if (name === "done" || name === "failed") return true;
      if (name === "away") return false;
    }
  }
};
// One key for all sendings of it: whatever breaks on the way, it is bought once.
const followToTheEnd = async (body) => {
  for (let tries = 0; ; tries += 1) {
    const isOver = await follow(body).catch((error) => {
      // A connection that broke is a TypeError to fetch.
      if (error instanceof TypeError) return false;
      throw error;
    });
    if (isOver) return;
    note("The connection was lost. Asking again, under the same key: it is bought once.", true);
    await pause(Math.min(4000, 500 * 2 ** tries));
    if (running.abort.signal.aborted) return;
  }
};
const bringIntoView = () => {
  const result = byId("result");
  if (document.activeElement === document.body || document.activeElement === null) result.focus({ preventScroll: true });
  const { top } = result.getBoundingClientRect();
  const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";
  if (top < 0 || top > innerHeight * 0.7) result.scrollIntoView({ block: "start", behavior });
};

// Sends what was filled in, or a step; `parent` is the request that it goes on from, empty where it begins anew.
export const send = async (told, title, parent) => {
  if (running) return;
  running = { abort: new AbortController(), request: "" };
  busy(title);
  if (told.operation) lookAtStep(told, title);
  try {
    await followToTheEnd(JSON.stringify({ ...told, parent, chain, key: randomKey() }));
  } catch (error) {
    if (error.name !== "AbortError") showTrouble(error.message);
  } finally {
    running = null;
    busy("");
    bringIntoView();
  }
};

export const cancel = () => {
  if (!running) return;
  if (!running.request) {
    running.abort.abort();
    return;
  }
  note("Cancelling…");
  asked(`/playground/runs/${encodeURIComponent(running.request)}/cancel`, { method: "POST" }).catch((error) => {
    note(error.message, true);
    running?.abort.abort();
  });
};
