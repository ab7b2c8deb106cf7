// The next steps: a button each on a picture, with what it costs.
import { bench, byId, fragment, say } from "./page.js";
import { expected } from "./look.js";
import { openMask } from "./mask.js";
import { copied, upload } from "./pictures.js";
import { fetched, isRunning, lookedAt, send } from "./run.js";

const titles = {
  segment: "Finding the parts",
  remove_background: "Removing the background",
  upscale: "Making it larger",
  style_transfer: "Restyling",
  outpaint: "Adding what is around it",
};
// What a step asks for beside its picture, out of its settings and of the picture's size.
const asks = {
  segment: () => {
    const labels = byId("step-labels").value.split(",").map((label) => label.trim()).filter(Boolean);
    return labels.length ? { labels: labels.slice(0, 16) } : {};
  },
  remove_background: () => ({}),
  upscale: () => ({ factor: byId("step-factor").value }),
  style_transfer: () => ({ prompt: byId("step-style").value }),
  outpaint: ({ width, height }) => {
    const share = Number(byId("step-outpaint").value);
    const [across, down] = [width, height].map((side) => String(Math.round(Number(side) * share)));
    return { left: across, right: across, top: down, bottom: down };
  },
};

// The chosen model where it can do the step, until somebody chooses another one for it.
const modelOf = (step) => {
  const select = bench.querySelector(`[data-step-model="${step}"]`);
  if (!select.dataset.touched) {
    const same = [...select.options].findIndex((option) => option.value === byId("model").value);
    select.selectedIndex = Math.max(0, same);
  }
  return select.selectedOptions[0];
};
const pictureOf = (button) => button.closest(".made-picture").dataset;

const setPrice = (button, text) => {
  let price = button.querySelector("small");
  if (!price) {
    price = document.createElement("small");
    button.append(" ", price);
  }
  price.textContent = text;
};
export const showPrices = () => {
  for (const select of bench.querySelectorAll("[data-step-model]")) modelOf(select.dataset.stepModel);
  for (const button of bench.querySelectorAll("[data-step]")) {
    const model = modelOf(button.dataset.step);
    button.disabled = isRunning() || !model?.value;
    button.title = model?.value ? `by ${model.value}` : "No model can do this.";
    delete button.dataset.exact;
    setPrice(button, model?.dataset.short ?? "");
  }
};
// The usual price stands on a button at once; what this very picture would cost, as soon as somebody is about to click.
const showExactPrice = async (button) => {
  if (button.disabled || button.dataset.exact) return;
  button.dataset.exact = "1";
  const { step } = button.dataset;
  const picture = pictureOf(button);
  try {
    const told = step === "edit" ? { prompt: "x" } : asks[step](picture);
    const images = [await copied(picture.media)];
    const sum = await expected({ operation: step, model: modelOf(step).value, ...told, images });
    if (sum && sum !== "unknown" && sum !== "$0") setPrice(button, sum);
  } catch { /* The usual price stays. */ }
};

// A part of a picture, painted by hand or taken over from `maskMedia`, becomes something else.
const repaint = async ({ media, width, height }, parent, maskMedia) => {
  const model = modelOf("edit");
  const address = (id) => id && `/media/${encodeURIComponent(id)}`;
  const made = await openMask({
    src: address(media), maskSrc: address(maskMedia), width: Number(width), height: Number(height), price: model.dataset.short,
  });
  if (!made) return;
  const [image, mask] = await Promise.all([copied(media), upload(made.mask, "mask.png")]);
  const told = { operation: "edit", model: model.value, prompt: made.prompt, feather: made.feather };
  await send({ ...told, images: [image], mask }, "Repainting a part", parent);
};
// A segment's mask is laid over the picture that it was found on.
const repaintSegment = async (maskMedia, parent) => {
  const before = fragment((await fetched(parent)).html).querySelector(".made-picture");
  if (!before) throw new Error("The picture is not kept any more.");
  await repaint(before.dataset, parent, maskMedia);
};
const take = async (step, picture) => {
  if (step === "edit") {
    await repaint(picture, lookedAt());
    return;
  }
  const told = { operation: step, model: modelOf(step).value, ...asks[step](picture) };
  await send({ ...told, images: [await copied(picture.media)] }, titles[step], lookedAt());
};

export const listenForSteps = () => {
  const orSay = (promise) => promise.catch((error) => say(error.message));
  bench.addEventListener("steps", showPrices);
  bench.addEventListener("click", (event) => {
    const button = event.target.closest("[data-step], [data-use-mask]");
    if (!button || isRunning()) return;
    const { step, useMask, parent } = button.dataset;
    orSay(step ? take(step, pictureOf(button)) : repaintSegment(useMask, parent));
  });
  for (const kind of ["pointerover", "focusin"]) {
    bench.addEventListener(kind, (event) => {
      const button = event.target.closest?.("[data-step]");
      if (button) showExactPrice(button);
    });
  }
  byId("steps").addEventListener("change", (event) => {
    if (event.target.dataset.stepModel) event.target.dataset.touched = "1";
    showPrices();
  });
};
