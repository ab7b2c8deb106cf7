// The playground: asks, follows, shows what came, and goes on from there.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const bench = byId("bench");
  if (!bench) return;
  const { csrf, localize, say } = window.heliostat;
  const form = byId("ask");
  const chain = bench.dataset.chain;
  const headers = { "X-CSRF-Token": csrf, "HX-Request": "true" };
  let at = bench.dataset.at;
  let running = null;
  let files = [];
  const copies = new Map();

  const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
  const fragment = (markup) => {
    const template = document.createElement("template");
    template.innerHTML = markup;
    return template.content;
  };
  // Refusals come as escaped sentences.
  const sentence = async (answer) => fragment(await answer.text()).textContent.slice(0, 500) || `That did not work (${answer.status}).`;
  const asked = async (path, options = {}) => {
    const answer = await fetch(path, { ...options, headers: { ...headers, ...options.headers } });
    if (!answer.ok) throw new Error(await sentence(answer));
    return answer;
  };
  const put = (markup) => {
    for (const fresh of [...fragment(markup).children]) {
      byId(fresh.id)?.replaceWith(fresh);
      localize(fresh);
    }
  };
  const randomKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  // What is filled in.
  const values = () => {
    const told = Object.fromEntries([...new FormData(form)].filter(([, value]) => typeof value === "string" && value !== ""));
    const most = Number(byId("fields").dataset.pictures);
    const images = files.slice(0, most).map((file) => file.id);
    return images.length ? { ...told, images } : told;
  };

  // The estimate and the programs follow what is filled in, a moment later.
  let lookTimer = 0;
  let lookNumber = 0;
  const look = async () => {
    const mine = ++lookNumber;
    const chosenTab = bench.querySelector("[data-tab][aria-selected=true]")?.dataset.tab;
    if (!byId("prompt").value.trim()) return;
    try {
      const answer = await asked("/playground/look", { method: "POST", body: JSON.stringify(values()) });
      const markup = await answer.text();
      if (mine !== lookNumber) return;
      put(markup);
      byId("code-step").textContent = "";
      if (chosenTab) showTab(chosenTab);
      if (byId("look-estimate").hasAttribute("data-away")) soon(2000);
    } catch (error) {
      if (mine !== lookNumber) return;
      const line = document.createElement("p");
      line.className = "trouble";
      line.textContent = error instanceof TypeError ? "The console does not answer." : error.message;
      byId("look-estimate").replaceChildren(line);
      if (error instanceof TypeError) soon(2000);
    }
  };
  // A step's own programs take the place of the form's, until the form changes.
  const lookAtStep = async (told, title) => {
    const chosenTab = bench.querySelector("[data-tab][aria-selected=true]")?.dataset.tab;
    lookNumber += 1;
    try {
      const answer = await asked("/playground/look", { method: "POST", body: JSON.stringify(told) });
      const programs = fragment(await answer.text()).getElementById("look-programs");
      byId("look-programs").replaceWith(programs);
      byId("code-step").textContent = `: ${title.toLowerCase()}`;
      if (chosenTab) showTab(chosenTab);
    } catch { /* The run itself says what is wrong. */ }
  };
  const expected = async (told) => {
    const answer = await asked("/playground/look", { method: "POST", body: JSON.stringify(told) });
    return fragment(await answer.text()).querySelector(".estimate-sum")?.textContent ?? "";
  };
  const soon = (ms = 300) => {
    clearTimeout(lookTimer);
    lookTimer = setTimeout(look, ms);
  };
  const showTab = (name, focus = false) => {
    for (const tab of bench.querySelectorAll("[data-tab]")) {
      const chosen = tab.dataset.tab === name;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      byId(tab.getAttribute("aria-controls")).hidden = !chosen;
      if (chosen && focus) tab.focus();
    }
  };

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
      soon(0);
    } catch (error) {
      say(error.message);
    }
  };

  // Pictures to work from.
  const showFiles = () => {
    const list = byId("chosen-pictures");
    if (!list) return;
    list.replaceChildren(...files.map((file, index) => {
      const entry = document.createElement("li");
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
        files = files.filter((_, place) => place !== index);
        showFiles();
        soon();
      });
      entry.append(picture, name, remove);
      return entry;
    }));
    byId("draw").textContent = files.length && Number(byId("fields").dataset.pictures) ? "Change the picture" : "Draw";
  };
  const upload = async (blob, name) => {
    if (blob.size > Number(bench.dataset.mostBytes)) throw new Error(`${name.slice(0, 60)} is too large: at most ${Math.floor(bench.dataset.mostBytes / 1e6)} MB.`);
    const answer = await asked(`/playground/files?${new URLSearchParams({ name: name.slice(0, 200) })}`, { method: "POST", body: blob });
    return (await answer.json()).id;
  };
  const take = async (chosen) => {
    const most = Number(byId("fields").dataset.pictures);
    if (!most) return say("This model works from words alone: choose one that edits.");
    for (const file of chosen) {
      if (files.length >= most) return say(`This model takes ${most === 1 ? "one picture" : `${most} pictures`}.`);
      try {
        files.push({ id: await upload(file, file.name || "pasted"), name: file.name || "pasted picture", src: URL.createObjectURL(file) });
      } catch (error) {
        say(error.message);
      }
    }
    showFiles();
    soon();
    return undefined;
  };
  const dragged = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!dragged(event)) return;
    event.preventDefault();
    byId("drop")?.classList.add("drop-here");
  });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) byId("drop")?.classList.remove("drop-here"); });
  addEventListener("drop", (event) => {
    if (!dragged(event)) return;
    event.preventDefault();
    byId("drop")?.classList.remove("drop-here");
    take(event.dataTransfer.files);
  });
  addEventListener("paste", (event) => {
    const pasted = event.clipboardData?.files;
    if (!pasted?.length) return;
    event.preventDefault();
    take(pasted);
  });

  // A picture of a step before, as a file that the next one may name.
  const copied = (media) => {
    if (!copies.has(media)) {
      const promise = asked(`/playground/files?${new URLSearchParams({ media })}`, { method: "POST" }).then((answer) => answer.json()).then((told) => told.id);
      promise.catch(() => copies.delete(media));
      copies.set(media, promise);
    }
    return copies.get(media);
  };

  // What is happening.
  const note = (text, bad = false) => {
    const line = document.createElement("li");
    line.textContent = text;
    line.dir = "auto";
    if (bad) line.className = "trouble";
    byId("notes").append(line);
  };
  const busy = (title) => {
    byId("run").hidden = !title;
    byId("run-title").textContent = title;
    bench.toggleAttribute("data-busy", Boolean(title));
    for (const button of bench.querySelectorAll("#draw, [data-step], [data-use-mask]")) button.disabled = Boolean(title);
    if (!title) {
      showPrices();
      return;
    }
    byId("notes").replaceChildren();
    byId("previews").replaceChildren();
    byId("run-progress").removeAttribute("value");
  };
  const on = {
    admitted: (told) => { running.request = told.request; },
    note: (told) => note(told.text, told.bad),
    progress: (told) => { byId("run-progress").value = told.percent; },
    preview: (told) => {
      const id = `preview-${told.index}`;
      let picture = byId(id);
      if (!picture) {
        picture = document.createElement("img");
        picture.id = id;
        picture.alt = `Preview of picture ${told.index + 1}`;
        const entry = document.createElement("li");
        entry.append(picture);
        byId("previews").append(entry);
      }
      picture.src = told.src;
    },
    away: (told) => note(told.text, true),
    done: (told) => show(told),
    failed: (told) => show(told),
  };
  // On a narrow page the step that is looked at may be beyond the edge of the strip.
  const showPlace = () => {
    const strip = bench.querySelector(".strip");
    const here = strip?.querySelector(".strip-at");
    if (here) strip.scrollLeft = here.offsetLeft - strip.offsetLeft - (strip.clientWidth - here.offsetWidth) / 2;
  };
  const show = (told) => {
    byId("result").replaceWith(...fragment(told.html).children);
    if (told.chain) byId("chain").replaceWith(...fragment(told.chain).children);
    showPlace();
    if (told.request) {
      at = told.request;
      history.replaceState(null, "", `/playground?${new URLSearchParams({ chain, at })}`);
    }
    showPrices();
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
  const send = async (told, title, parent = at) => {
    if (running) return;
    running = { abort: new AbortController(), request: "" };
    busy(title);
    if (told.operation) lookAtStep(told, title);
    // One key for all sendings of it: whatever breaks on the way, it is bought once.
    const body = JSON.stringify({ ...told, parent, chain, key: randomKey() });
    try {
      for (let tries = 0; ; tries += 1) {
        const over = await follow(body).catch((error) => {
          // A connection that broke is a TypeError to fetch.
          if (error instanceof TypeError) return false;
          throw error;
        });
        if (over) break;
        note("The connection was lost. Asking again, under the same key: it is bought once.", true);
        await pause(Math.min(4000, 500 * 2 ** tries));
        if (running.abort.signal.aborted) break;
      }
    } catch (error) {
      if (error.name !== "AbortError") {
        const line = document.createElement("p");
        line.className = "card error-card";
        line.textContent = error.message;
        const place = document.createElement("div");
        place.id = "result";
        place.tabIndex = -1;
        place.append(line);
        byId("result").replaceWith(place);
      }
    } finally {
      running = null;
      busy("");
      const result = byId("result");
      if (document.activeElement === document.body || document.activeElement === null) result.focus({ preventScroll: true });
      const top = result.getBoundingClientRect().top;
      if (top < 0 || top > innerHeight * 0.7) result.scrollIntoView({ block: "start", behavior: "smooth" });
    }
  };
  const cancel = () => {
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

  // The next steps.
  // The chosen model where it can do the step, until somebody chooses another one for it.
  const stepModel = (step) => {
    const select = bench.querySelector(`[data-step-model="${step}"]`);
    if (!select.dataset.touched) {
      const same = [...select.options].findIndex((option) => option.value === byId("model").value);
      select.selectedIndex = Math.max(0, same);
    }
    return select.selectedOptions[0];
  };
  const showPrices = () => {
    for (const select of bench.querySelectorAll("[data-step-model]")) stepModel(select.dataset.stepModel);
    for (const button of bench.querySelectorAll("[data-step]")) {
      const model = stepModel(button.dataset.step);
      button.disabled = Boolean(running) || !model?.value;
      button.title = model?.value ? `by ${model.value}` : "No model can do this.";
      delete button.dataset.exact;
      priced(button, model?.dataset.short ?? "");
    }
  };
  const priced = (button, text) => {
    let price = button.querySelector("small");
    if (!price) {
      price = document.createElement("small");
      button.append(" ", price);
    }
    price.textContent = text;
  };
  // The usual price stands on a button at once; what this very picture would cost, as soon as somebody is about to click.
  const estimateStep = async (button) => {
    const { media, width, height } = button.closest(".made-picture").dataset;
    const name = button.dataset.step;
    if (running || button.dataset.exact || button.disabled) return;
    button.dataset.exact = "1";
    try {
      const told = name === "edit" ? { prompt: "x" } : extras[name]({ width: Number(width), height: Number(height) });
      const sum = await expected({ operation: name, model: stepModel(name).value, ...told, images: [await copied(media)] });
      if (sum && sum !== "unknown" && sum !== "$0") priced(button, sum);
    } catch { /* The usual price stays. */ }
  };
  const titles = { segment: "Finding the parts", remove_background: "Removing the background", upscale: "Making it larger", style_transfer: "Restyling", outpaint: "Adding what is around it" };
  const extras = {
    segment: () => {
      const labels = byId("step-labels").value.split(",").map((label) => label.trim()).filter(Boolean);
      return labels.length ? { labels: labels.slice(0, 16) } : {};
    },
    remove_background: () => ({}),
    upscale: () => ({ factor: byId("step-factor").value }),
    style_transfer: () => ({ prompt: byId("step-style").value }),
    outpaint: ({ width, height }) => {
      const share = Number(byId("step-outpaint").value);
      const [across, down] = [String(Math.round(width * share)), String(Math.round(height * share))];
      return { left: across, right: across, top: down, bottom: down };
    },
  };
  const repaint = async ({ media, width, height, maskMedia, parent }) => {
    const model = stepModel("edit");
    const made = await window.heliostatMask.open({
      src: `/media/${encodeURIComponent(media)}`, maskSrc: maskMedia && `/media/${encodeURIComponent(maskMedia)}`,
      width: Number(width), height: Number(height), price: model.dataset.short,
    });
    if (!made) return;
    try {
      const [image, mask] = await Promise.all([copied(media), upload(made.mask, "mask.png")]);
      await send({ operation: "edit", model: model.value, prompt: made.prompt, feather: made.feather, images: [image], mask }, "Repainting a part", parent);
    } catch (error) {
      say(error.message);
    }
  };
  const step = async (name, { media, width, height }) => {
    if (running) return;
    if (name === "edit") {
      await repaint({ media, width, height, parent: at });
      return;
    }
    try {
      const told = { operation: name, model: stepModel(name).value, ...extras[name]({ width: Number(width), height: Number(height) }) };
      await send({ ...told, images: [await copied(media)] }, titles[name]);
    } catch (error) {
      say(error.message);
    }
  };
  const shown = async (request) => (await asked(`/playground/runs/${encodeURIComponent(request)}`)).json();
  // A segment's mask, laid over the picture that it was found on.
  const repaintSegment = async (maskMedia, parent) => {
    try {
      const before = fragment((await shown(parent)).html).querySelector(".made-picture");
      if (!before) throw new Error("The picture is not kept any more.");
      const { media, width, height } = before.dataset;
      await repaint({ media, width, height, maskMedia, parent });
    } catch (error) {
      say(error.message);
    }
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const previews = byId("fields").dataset.previews;
    send({ ...values(), previews: Number(previews) ? "2" : "0" }, files.length ? "Changing the picture" : "Drawing", "");
  });
  form.addEventListener("input", (event) => {
    if (event.target.id === "model" || event.target.id === "files") return;
    if (event.target.id === "size" && byId("own-size")) byId("own-size").hidden = event.target.value !== "own";
    soon();
  });
  form.addEventListener("change", (event) => {
    if (event.target.id === "model") changeModel();
    if (event.target.id === "files") {
      take([...event.target.files]);
      event.target.value = "";
    }
  });
  byId("steps").addEventListener("change", (event) => {
    if (event.target.dataset.stepModel) event.target.dataset.touched = "1";
    showPrices();
  });
  byId("prompt").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  bench.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.id === "cancel") cancel();
    if (button.dataset.step) step(button.dataset.step, button.closest(".made-picture").dataset);
    if (button.dataset.useMask) repaintSegment(button.dataset.useMask, button.dataset.parent);
    if (button.dataset.show && !running) shown(button.dataset.show).then(show, (error) => say(error.message));
    if (button.dataset.tab) showTab(button.dataset.tab);
  });
  for (const kind of ["pointerover", "focusin"]) {
    bench.addEventListener(kind, (event) => {
      const button = event.target.closest?.("[data-step]");
      if (button) estimateStep(button);
    });
  }
  bench.addEventListener("keydown", (event) => {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!move || !event.target.dataset.tab) return;
    const tabs = [...bench.querySelectorAll("[data-tab]")];
    showTab(tabs[(tabs.indexOf(event.target) + move + tabs.length) % tabs.length].dataset.tab, true);
  });

  if (at) shown(at).then(show, () => {});
  showPrices();
  soon(0);
})();
