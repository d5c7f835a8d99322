// The widgets of widgets.py as the browser draws them: real buttons, so that Tab and Enter work.

function make(tag, name = "", text = "", title = "") {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (title) element.title = title;
  element.textContent = text;
  return element;
}
const number = n => n.toLocaleString("en-US");
function put(element, text) { if (element.textContent !== text) element.textContent = text; }
function follow(model, draw) {
  draw();
  model.on("change:shown", draw);
  return () => model.off("change:shown", draw);
}

// Confusion matrix: true classes down, named classes across.
function matrix({model, el}) {
  const names = model.get("classes"), C = names.length, cells = [];
  const head = make("div", "emolib-note"), grid = make("div", "emolib-grid");
  grid.style.gridTemplateColumns = `5.5em repeat(${C}, minmax(30px, 1fr))`;
  grid.append(make("div", "emolib-head", "true \\ named"));
  grid.append(...names.map(name => make("div", "emolib-head", name.slice(0, 6), name)));
  names.forEach((name, t) => {
    grid.append(make("div", "emolib-head", name, name));
    names.forEach((_, n) => {
      const cell = make("button", "emolib-cell" + (t === n ? " emolib-right" : ""));
      cell.onclick = () => model.send({row: t, column: n});
      cells.push(cell);
      grid.append(cell);
    });
  });
  const title = make("b"), words = make("span");
  head.append(title, words);
  el.append(head, grid);
  return follow(model, () => {
    const shown = model.get("shown");
    put(title, shown.title);
    put(words, ": " + shown.words);
    names.forEach((name, t) => {
      const row = shown.counts.slice(t * C, t * C + C), all = Math.max(1, row.reduce((a, b) => a + b, 0));
      row.forEach((k, n) => {
        const cell = cells[t * C + n], share = k / all;
        put(cell, number(k));
        cell.style.backgroundColor = k ? `rgba(0, 114, 178, ${(0.6 * share).toFixed(2)})` : "";
        cell.title = `${name} called ${names[n]}: ${number(k)} points, ${Math.round(100 * share)} % of ${name}`;
        cell.setAttribute("aria-label", cell.title);
      });
    });
  });
}

// One row a class: a button that selects it, and how many of its points are selected.
function histogram({model, el}) {
  const grid = make("div", "emolib-classes");
  const bars = model.get("classes").map((name, c) => {
    const button = make("button", "emolib-class", name, "select every " + name);
    const bar = make("div", "emolib-bar"), ground = make("span"), fill = make("i"), words = make("span");
    button.onclick = () => model.send({row: c});
    ground.append(fill);
    bar.append(ground, words);
    grid.append(button, bar);
    return [fill, words];
  });
  el.append(make("b", "", "Classes of the selection"), grid);
  return follow(model, () => {
    const {counts, every} = model.get("shown"), most = Math.max(1, ...counts);
    bars.forEach(([fill, words], c) => {
      fill.style.width = `${(100 * counts[c] / most).toFixed(1)}%`;
      put(words, `${number(counts[c])} of ${number(every[c])}`);
    });
  });
}

// Colours and shapes in words; the entry that is pressed keeps the focus when the legend is drawn anew.
function legend({model, el}) {
  el.classList.add("emolib-legend");
  function entry({glyph, colour, name, count}, k, large) {
    const tip = k === large ? "draw all groups alike again" : `draw ${name} large and the others small`;
    const button = make("button", "emolib-entry", "", tip), mark = make("span", "", glyph);
    mark.style.color = colour;
    button.append(mark, ` ${name} (${number(count)})`);
    button.setAttribute("aria-pressed", k === large);
    button.onclick = () => model.send({row: k});
    return button;
  }
  return follow(model, () => {
    const {entries, more, large} = model.get("shown");
    if (!entries.length) {
      el.replaceChildren(make("span", "", "confidence: 0"), make("span", "emolib-ramp"), make("span", "", "1"));
      return;
    }
    const focus = document.activeElement, had = el.contains(focus) ? [...el.children].indexOf(focus) : -1;
    el.replaceChildren(...entries.map((e, k) => entry(e, k, large)), make("span", "", more));
    if (had >= 0) el.children[had]?.focus();
  });
}

// One sample. Pictures, sounds and files come as messages: the browser shows them and forgets them.
function dark() {
  const lab = document.body.dataset.jpThemeLight, classes = document.body.classList;
  if (lab !== undefined) return lab === "false";
  if (classes.contains("theme-dark")) return true;
  return window.matchMedia("(prefers-color-scheme: dark)").matches && !classes.contains("theme-light");
}
function address(buffer, type) { return URL.createObjectURL(new Blob([buffer], {type})); }
function panel({model, el}) {
  el.classList.add("emolib-sample");
  el.setAttribute("role", "region");
  el.setAttribute("aria-label", "sample");
  el.setAttribute("aria-live", "polite");
  const picture = make("img"), tones = make("img"), sound = make("audio"), words = make("dl"), note = make("p");
  sound.controls = true;
  for (const element of [picture, tones, sound, note]) element.hidden = true;
  el.append(picture, tones, sound, words, note);
  function load(element, buffers, at, type) {
    if (element.src) URL.revokeObjectURL(element.src);
    element.hidden = at === null || at === undefined;
    if (element.hidden) element.removeAttribute("src"); else element.src = address(buffers[at], type);
  }
  function show(message, buffers) {
    load(picture, buffers, message.picture, "image/png");
    load(tones, buffers, message.spectrogram, "image/png");
    load(sound, buffers, message.sound, "audio/wav");
    picture.alt = message.alt;
    tones.alt = "spectrogram, time to the right, high tones above";
    sound.setAttribute("aria-label", "sound of " + message.alt);
    words.replaceChildren(...Object.entries(message.words).flatMap(([k, v]) => [make("dt", "", k), make("dd", "", v)]));
    note.textContent = message.note;
    note.hidden = !message.note;
  }
  function save(message, buffers) {
    const link = make("a");
    link.href = address(buffers[0], message.type);
    link.download = message.name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }
  function receive(message, buffers) { (message.kind === "file" ? save : show)(message, buffers); }
  function theme() { model.set("dark", dark()); model.save_changes(); }
  const seen = new MutationObserver(theme), system = window.matchMedia("(prefers-color-scheme: dark)");
  model.on("msg:custom", receive);
  seen.observe(document.body, {attributes: true, attributeFilter: ["data-jp-theme-light", "class"]});
  system.addEventListener("change", theme);
  theme();
  model.send({kind: "ready"});
  return () => {
    seen.disconnect();
    system.removeEventListener("change", theme);
    model.off("msg:custom", receive);
  };
}

const VIEWS = {Matrix: matrix, Histogram: histogram, Legend: legend, Panel: panel};
export default { render: shown => VIEWS[shown.model.get("kind")](shown) };
