// The estimate and the programs: they follow what is filled in, a moment later.
import { asked, bench, byId, fragment, put } from "./page.js";
import { chosen } from "./pictures.js";

// What is filled in.
export const values = () => {
  const filled = [...new FormData(byId("ask"))].filter(([, value]) => typeof value === "string" && value !== "");
  const images = chosen();
  return { ...Object.fromEntries(filled), ...(images.length ? { images } : {}) };
};

const markupOf = async (told) => (await asked("/playground/look", { method: "POST", body: JSON.stringify(told) })).text();

export const showTab = (name, focus = false) => {
  for (const tab of bench.querySelectorAll("[data-tab]")) {
    const isChosen = tab.dataset.tab === name;
    tab.setAttribute("aria-selected", String(isChosen));
    tab.tabIndex = isChosen ? 0 : -1;
    byId(tab.getAttribute("aria-controls")).hidden = !isChosen;
    if (isChosen && focus) tab.focus();
  }
};
// Changes the programs, and leaves the language that was chosen.
const keepingTab = (change) => {
  const name = bench.querySelector("[data-tab][aria-selected=true]")?.dataset.tab;
  change();
  if (name) showTab(name);
};

let timer = 0;
// Answers that were asked for before the last one are of no interest any more.
let last = 0;
export const lookSoon = (ms = 300) => {
  clearTimeout(timer);
  timer = setTimeout(look, ms);
};
const look = async () => {
  last += 1;
  const mine = last;
  if (!byId("prompt").value.trim()) return;
  try {
    const markup = await markupOf(values());
    if (mine !== last) return;
    keepingTab(() => put(markup));
    byId("code-step").textContent = "";
    if (byId("look-estimate").hasAttribute("data-away")) lookSoon(2000);
  } catch (error) {
    if (mine !== last) return;
    const line = document.createElement("p");
    line.className = "trouble";
    line.textContent = error instanceof TypeError ? "The console does not answer." : error.message;
    byId("look-estimate").replaceChildren(line);
    if (error instanceof TypeError) lookSoon(2000);
  }
};

// A step's own programs take the place of the form's, until the form changes.
export const lookAtStep = async (told, title) => {
  last += 1;
  try {
    const programs = fragment(await markupOf(told)).getElementById("look-programs");
    keepingTab(() => byId("look-programs").replaceWith(programs));
    byId("code-step").textContent = `: ${title.toLowerCase()}`;
  } catch { /* The run itself says what is wrong. */ }
};

// What a step would cost, such as "$0.04".
export const expected = async (told) => fragment(await markupOf(told)).querySelector(".estimate-sum")?.textContent ?? "";
