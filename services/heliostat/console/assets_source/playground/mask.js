// A mask painted on a picture: with the pointer, as rectangles by their numbers, or out of a segment's mask.
import { byId } from "./page.js";

const dialog = byId("mask");
const canvas = byId("mask-canvas");
const [red, green, blue] = [245, 158, 11];
// What was done, in order: the canvas is drawn from it, so that it can be undone.
let deeds = [];
let stroke = null;
let erasing = false;
let finish = null;

const layer = (width, height) => {
  const made = document.createElement("canvas");
  [made.width, made.height] = [width, height];
  return [made, made.getContext("2d", { willReadFrequently: true })];
};
const draw = (deed) => {
  const pen = canvas.getContext("2d");
  pen.globalCompositeOperation = deed.erase ? "destination-out" : "source-over";
  pen.fillStyle = pen.strokeStyle = `rgb(${red} ${green} ${blue})`;
  if (deed.kind === "box") {
    pen.fillRect(deed.left, deed.top, deed.width, deed.height);
  } else if (deed.kind === "picture") {
    pen.drawImage(deed.picture, 0, 0, canvas.width, canvas.height);
  } else {
    pen.lineWidth = deed.width;
    pen.lineCap = pen.lineJoin = "round";
    pen.beginPath();
    deed.points.forEach(([x, y], index) => (index ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    if (deed.points.length === 1) pen.lineTo(deed.points[0][0] + 0.01, deed.points[0][1]);
    pen.stroke();
  }
};
const redraw = () => {
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
  deeds.forEach(draw);
};
// How much is marked, 0 to 1: a small copy is enough to say.
const share = () => {
  const [small, brush] = layer(64, 64);
  brush.drawImage(canvas, 0, 0, small.width, small.height);
  const { data } = brush.getImageData(0, 0, small.width, small.height);
  return data.filter((value, at) => at % 4 === 3 && value > 127).length / (small.width * small.height);
};
const say = (sentence) => { byId("mask-told").textContent = sentence; };
const tell = () => {
  const marked = share();
  say(marked ? `${marked < 0.01 ? "Less than 1" : Math.round(marked * 100)} % of the picture is marked.` : "Paint over what shall change.");
};
const show = () => {
  redraw();
  tell();
};

// Where the pointer is, in pixels of the picture.
const place = (event) => {
  const box = canvas.getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height];
};
const press = (event) => {
  if (event.button) return;
  canvas.setPointerCapture(event.pointerId);
  stroke = { kind: "line", erase: erasing, width: (Number(byId("brush").value) / 100) * canvas.width, points: [place(event)] };
  deeds.push(stroke);
  draw(stroke);
  event.preventDefault();
};
const move = (event) => {
  if (!stroke) return;
  for (const each of event.getCoalescedEvents?.() ?? [event]) stroke.points.push(place(each));
  redraw();
};
const lift = () => {
  if (stroke) tell();
  stroke = null;
};

const addBox = (erase) => {
  const number = (id, least, most) => Math.max(least, Math.min(most, Math.round(Number(byId(id).value) || 0)));
  const left = number("box-left", 0, canvas.width - 1);
  const top = number("box-top", 0, canvas.height - 1);
  const width = number("box-width", 1, canvas.width - left);
  const height = number("box-height", 1, canvas.height - top);
  deeds.push({ kind: "box", erase, left, top, width, height });
  show();
};
const chooseBrush = (erase) => {
  erasing = erase;
  for (const button of dialog.querySelectorAll("[data-mask=paint], [data-mask=erase]")) {
    button.setAttribute("aria-pressed", String((button.dataset.mask === "erase") === erase));
  }
};

// White where it is repainted, black elsewhere, as large as the picture.
const exported = () => {
  const [out, pen] = layer(canvas.width, canvas.height);
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, out.width, out.height);
  pen.globalCompositeOperation = "destination-in";
  pen.drawImage(canvas, 0, 0);
  pen.globalCompositeOperation = "destination-over";
  pen.fillStyle = "#000";
  pen.fillRect(0, 0, out.width, out.height);
  return new Promise((resolve) => { out.toBlob(resolve, "image/png"); });
};
// A mask that somebody made, white where the thing is, as what would have been painted.
const painted = async (address) => {
  const source = new Image();
  source.src = address;
  await source.decode();
  const [picture, pen] = layer(canvas.width, canvas.height);
  pen.drawImage(source, 0, 0, picture.width, picture.height);
  const pixels = pen.getImageData(0, 0, picture.width, picture.height);
  const { data } = pixels;
  for (let at = 0; at < data.length; at += 4) {
    data[at + 3] = data[at] * (data[at + 3] / 255);
    [data[at], data[at + 1], data[at + 2]] = [red, green, blue];
  }
  pen.putImageData(pixels, 0, 0);
  return { kind: "picture", erase: false, picture };
};

const close = (made) => {
  const told = finish;
  finish = null;
  if (dialog.open) dialog.close();
  told?.(made);
};
const submit = async (event) => {
  event.preventDefault();
  const words = byId("mask-prompt");
  if (!share()) {
    say("Nothing is marked yet: paint over what shall change, or add a rectangle.");
  } else if (!words.value.trim()) {
    say("Say what shall be there.");
    words.focus();
  } else {
    close({ mask: await exported(), prompt: words.value, feather: byId("mask-feather").value });
  }
};
const buttons = {
  close: () => close(null),
  paint: () => chooseBrush(false),
  erase: () => chooseBrush(true),
  undo: () => { deeds.pop(); show(); },
  clear: () => { deeds = []; show(); },
  box: () => addBox(false),
  unbox: () => addBox(true),
};

export const listenForMask = () => {
  canvas.addEventListener("pointerdown", press);
  canvas.addEventListener("pointermove", move);
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  byId("mask-form").addEventListener("submit", submit);
  dialog.addEventListener("close", () => close(null));
  dialog.addEventListener("click", (event) => buttons[event.target.closest("[data-mask]")?.dataset.mask]?.());
  // Enter in a number field adds its rectangle; it does not send the request.
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches(".rectangle input")) {
      event.preventDefault();
      addBox(false);
    }
  });
};

// Shows the dialog, and promises what was painted: { mask, prompt, feather }; null where it was closed.
export const openMask = async ({ src, maskSrc, width, height, price }) => {
  [canvas.width, canvas.height] = [width, height];
  byId("mask-picture").src = src;
  const boxes = { left: [width - 1, width / 4], top: [height - 1, height / 4], width: [width, width / 2], height: [height, height / 2] };
  for (const [side, [most, value]] of Object.entries(boxes)) {
    byId(`box-${side}`).max = most;
    byId(`box-${side}`).value = Math.round(value);
  }
  byId("mask-go").textContent = price ? `Repaint · ${price}` : "Repaint";
  chooseBrush(false);
  deeds = maskSrc ? [await painted(maskSrc)] : [];
  show();
  dialog.showModal();
  return new Promise((resolve) => { finish = resolve; });
};
