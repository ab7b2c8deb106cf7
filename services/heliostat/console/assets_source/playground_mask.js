// A mask painted on a picture: with the pointer, as rectangles by their numbers, or out of a segment's mask.
// window.heliostatMask.open(...) shows the dialog and promises what was painted.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const dialog = byId("mask");
  if (!dialog) return;
  const canvas = byId("mask-canvas");
  const picture = byId("mask-picture");
  const told = byId("mask-told");
  let context = null;
  // What was done, in order: the canvas is drawn from it, so that it can be undone.
  let deeds = [];
  let stroke = null;
  let erasing = false;
  let finish = null;

  const draw = (deed) => {
    context.globalCompositeOperation = deed.erase ? "destination-out" : "source-over";
    context.fillStyle = context.strokeStyle = "#f59e0b";
    if (deed.kind === "box") {
      context.fillRect(deed.left, deed.top, deed.width, deed.height);
    } else if (deed.kind === "picture") {
      context.drawImage(deed.picture, 0, 0, canvas.width, canvas.height);
    } else {
      context.lineWidth = deed.width;
      context.lineCap = context.lineJoin = "round";
      context.beginPath();
      deed.points.forEach(([x, y], index) => (index ? context.lineTo(x, y) : context.moveTo(x, y)));
      if (deed.points.length === 1) context.lineTo(deed.points[0][0] + 0.01, deed.points[0][1]);
      context.stroke();
    }
  };
  const redraw = () => {
    context.globalCompositeOperation = "source-over";
    context.clearRect(0, 0, canvas.width, canvas.height);
    deeds.forEach(draw);
  };
  const share = () => {
    // A small copy is enough to say how much is marked.
    const small = document.createElement("canvas");
    small.width = small.height = 64;
    const brush = small.getContext("2d", { willReadFrequently: true });
    brush.drawImage(canvas, 0, 0, 64, 64);
    const { data } = brush.getImageData(0, 0, 64, 64);
    let marked = 0;
    for (let at = 3; at < data.length; at += 4) marked += data[at] > 127;
    return marked / (64 * 64);
  };
  const tell = () => {
    const marked = share();
    told.textContent = marked ? `${marked < 0.01 ? "Less than 1" : Math.round(marked * 100)} % of the picture is marked.` : "Paint over what shall change.";
  };
  const done = (deed) => {
    deeds.push(deed);
    redraw();
    tell();
  };

  // Where the pointer is, in pixels of the picture.
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    stroke = { kind: "line", erase: erasing, width: (Number(byId("brush").value) / 100) * canvas.width, points: [place(event)] };
    deeds.push(stroke);
    draw(stroke);
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!stroke) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) stroke.points.push(place(each));
    redraw();
  });
  const lift = () => {
    if (stroke) tell();
    stroke = null;
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);

  const number = (id, most) => Math.max(0, Math.min(most, Math.round(Number(byId(id).value) || 0)));
  const box = (erase) => {
    const left = number("box-left", canvas.width - 1);
    const top = number("box-top", canvas.height - 1);
    const width = Math.max(1, number("box-width", canvas.width - left));
    const height = Math.max(1, number("box-height", canvas.height - top));
    done({ kind: "box", erase, left, top, width, height });
  };
  const brush = (erase) => {
    erasing = erase;
    for (const button of dialog.querySelectorAll("[data-mask=paint], [data-mask=erase]")) {
      button.setAttribute("aria-pressed", String((button.dataset.mask === "erase") === erase));
    }
  };

  // White where it is repainted, black elsewhere, as large as the picture.
  const exported = () => {
    const out = document.createElement("canvas");
    out.width = canvas.width;
    out.height = canvas.height;
    const pen = out.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, out.width, out.height);
    pen.globalCompositeOperation = "destination-in";
    pen.drawImage(canvas, 0, 0);
    pen.globalCompositeOperation = "destination-over";
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, out.width, out.height);
    return new Promise((resolve) => out.toBlob(resolve, "image/png"));
  };
  // A mask that somebody made, white where the thing is, as what would have been painted.
  const painted = async (address) => {
    const source = new Image();
    source.src = address;
    await source.decode();
    const layer = document.createElement("canvas");
    layer.width = canvas.width;
    layer.height = canvas.height;
    const pen = layer.getContext("2d", { willReadFrequently: true });
    pen.drawImage(source, 0, 0, layer.width, layer.height);
    const pixels = pen.getImageData(0, 0, layer.width, layer.height);
    const { data } = pixels;
    for (let at = 0; at < data.length; at += 4) {
      data[at + 3] = data[at] * (data[at + 3] / 255);
      [data[at], data[at + 1], data[at + 2]] = [245, 158, 11];
    }
    pen.putImageData(pixels, 0, 0);
    return { kind: "picture", erase: false, picture: layer };
  };

  const close = (value) => {
    const told = finish;
    finish = null;
    if (dialog.open) dialog.close();
    told?.(value);
  };
  dialog.addEventListener("close", () => close(null));
  dialog.addEventListener("click", async (event) => {
    switch (event.target.closest("[data-mask]")?.dataset.mask) {
      case "close": return close(null);
      case "paint": return brush(false);
      case "erase": return brush(true);
      case "undo": deeds.pop(); redraw(); return tell();
      case "clear": deeds = []; redraw(); return tell();
      case "box": return box(false);
      case "unbox": return box(true);
      default: return undefined;
    }
  });
  byId("mask-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const words = byId("mask-prompt");
    if (!share()) {
      told.textContent = "Nothing is marked yet: paint over what shall change, or add a rectangle.";
      return;
    }
    if (!words.value.trim()) {
      told.textContent = "Say what shall be there.";
      words.focus();
      return;
    }
    close({ mask: await exported(), prompt: words.value, feather: byId("mask-feather").value });
  });

  // Enter in a number field adds its rectangle; it does not send the request.
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches(".rectangle input")) {
      event.preventDefault();
      box(false);
    }
  });

  const open = async ({ src, width, height, maskSrc, price }) => {
    canvas.width = width;
    canvas.height = height;
    context = canvas.getContext("2d");
    deeds = [];
    brush(false);
    picture.src = src;
    for (const [id, most, value] of [["box-left", width - 1, width / 4], ["box-top", height - 1, height / 4], ["box-width", width, width / 2], ["box-height", height, height / 2]]) {
      byId(id).max = most;
      byId(id).value = Math.round(value);
    }
    byId("mask-go").textContent = price ? `Repaint · ${price}` : "Repaint";
    if (maskSrc) deeds.push(await painted(maskSrc));
    redraw();
    tell();
    dialog.showModal();
    return new Promise((resolve) => { finish = resolve; });
  };
  window.heliostatMask = { open };
})();
