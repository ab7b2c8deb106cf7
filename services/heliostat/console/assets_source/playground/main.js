// The playground: asks, follows, shows what came, and goes on from there.
import { lookSoon, showTab, values } from "./look.js";
import { listenForMask } from "./mask.js";
import { asked, bench, byId, put, say } from "./page.js";
import { listenForPictures, showFiles, take } from "./pictures.js";
import { cancel, fetched, isRunning, lookedAt, send, show } from "./run.js";
import { listenForSteps, showPrices } from "./steps.js";

const form = byId("ask");

// The fields of another model; what was filled in stays where that model has it too.
const changeModel = async () => {
  const { prompt: _, negative_prompt: avoided = "", images: __, ...told } = values();
  try {
    const answer = await asked(`/playground/fields?${new URLSearchParams(told)}`);
    put(await answer.text());
    const avoid = form.elements.negative_prompt;
    if (avoid) avoid.value = avoided;
    showFiles();
    showPrices();
    lookSoon(0);
  } catch (error) {
    say(error.message);
  }
};

const listenForForm = () => {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const told = values();
    const previews = Number(byId("fields").dataset.previews) ? "2" : "0";
    send({ ...told, previews }, told.images ? "Changing the picture" : "Drawing", "");
  });
  form.addEventListener("input", ({ target }) => {
    if (target.id === "model" || target.id === "files") return;
    if (target.id === "size" && byId("own-size")) byId("own-size").hidden = target.value !== "own";
    lookSoon();
  });
  form.addEventListener("change", async ({ target }) => {
    if (target.id === "model") await changeModel();
    if (target.id === "files") {
      await take([...target.files]);
      target.value = "";
    }
  });
  byId("prompt").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
};

const listenForButtons = () => {
  bench.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.id === "cancel") cancel();
    if (button.dataset.tab) showTab(button.dataset.tab);
    if (button.dataset.show && !isRunning()) fetched(button.dataset.show).then(show, (error) => say(error.message));
  });
  bench.addEventListener("keydown", (event) => {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!move || !event.target.dataset.tab) return;
    const tabs = [...bench.querySelectorAll("[data-tab]")];
    showTab(tabs.at((tabs.indexOf(event.target) + move) % tabs.length).dataset.tab, true);
  });
};

if (bench) {
  listenForForm();
  listenForButtons();
  listenForMask();
  listenForPictures(lookSoon);
  listenForSteps();
  if (lookedAt()) fetched(lookedAt()).then(show, () => {});
  showPrices();
  lookSoon(0);
}
