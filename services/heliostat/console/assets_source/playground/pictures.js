// Pictures to work from: dropped, pasted or chosen ones, and those of steps before.
import { asked, bench, byId, say } from "./page.js";

let files = [];
let changed = () => {};
const copies = new Map();

const most = () => Number(byId("fields").dataset.pictures);
// Ids of those that the model takes.
export const chosen = () => files.slice(0, most()).map((file) => file.id);

export const upload = async (blob, name) => {
  const mostBytes = Number(bench.dataset.mostBytes);
  if (blob.size > mostBytes) throw new Error(`${name.slice(0, 60)} is too large: at most ${Math.floor(mostBytes / 1e6)} MB.`);
  const answer = await asked(`/playground/files?${new URLSearchParams({ name: name.slice(0, 200) })}`, { method: "POST", body: blob });
  return (await answer.json()).id;
};

// A picture of a step before, as a file that the next one may name: sent once.
export const copied = (media) => {
  if (!copies.has(media)) {
    const promise = asked(`/playground/files?${new URLSearchParams({ media })}`, { method: "POST" })
      .then((answer) => answer.json())
      .then((told) => told.id);
    promise.catch(() => copies.delete(media));
    copies.set(media, promise);
  }
  return copies.get(media);
};

const entry = (file) => {
  const line = document.createElement("li");
  const picture = document.createElement("img");
  picture.src = file.src;
  picture.alt = file.name;
  picture.className = "thumb";
  const name = document.createElement("bdi");
  name.textContent = file.name.slice(0, 60);
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "btn btn-sm btn-ghost";
  remove.textContent = "Remove";
  remove.setAttribute("aria-label", `Remove ${file.name.slice(0, 60)}`);
  remove.addEventListener("click", () => {
    files = files.filter((each) => each !== file);
    URL.revokeObjectURL(file.src);
    showFiles();
    changed();
  });
  line.append(picture, name, remove);
  return line;
};

export const showFiles = () => {
  byId("chosen-pictures")?.replaceChildren(...files.map(entry));
  byId("draw").textContent = chosen().length ? "Change the picture" : "Draw";
};

export const take = async (brought) => {
  if (!most()) {
    say("This model works from words alone: choose one that edits.");
    return;
  }
  for (const file of brought) {
    if (files.length >= most()) {
      say(`This model takes ${most() === 1 ? "one picture" : `${most()} pictures`}.`);
      break;
    }
    try {
      const id = await upload(file, file.name || "pasted");
      files.push({ id, name: file.name || "pasted picture", src: URL.createObjectURL(file) });
    } catch (error) {
      say(error.message);
    }
  }
  showFiles();
  changed();
};

// `whenChanged` is called when pictures came or went.
export const listenForPictures = (whenChanged) => {
  changed = whenChanged;
  const isFiles = (event) => event.dataTransfer?.types.includes("Files");
  const mark = (here) => byId("drop")?.classList.toggle("drop-here", here);
  addEventListener("dragover", (event) => {
    if (!isFiles(event)) return;
    event.preventDefault();
    mark(true);
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) mark(false);
  });
  addEventListener("drop", (event) => {
    if (!isFiles(event)) return;
    event.preventDefault();
    mark(false);
    take(event.dataTransfer.files);
  });
  addEventListener("paste", (event) => {
    const pasted = event.clipboardData?.files;
    if (!pasted?.length) return;
    event.preventDefault();
    take(pasted);
  });
};
