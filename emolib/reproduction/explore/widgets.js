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
  grid.style.gridTemplateColumns = `max-content repeat(${C}, minmax(0, 1fr))`;
  grid.append(make("div", "emolib-head", "true \\ named"));
  grid.append(...names.map(name => make("div", "emolib-head emolib-up", name)));
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

// One row a group of the colouring: a button that selects it, and how many of its points are selected.
function groups({model, el}) {
  const title = make("b"), grid = make("div", "emolib-groups"), more = make("div", "emolib-note");
  el.append(title, grid, more);
  let rows = [];
  function row(group) {
    const button = make("button", "emolib-group"), mark = make("span"), name = make("span");
    const bar = make("div", "emolib-bar"), ground = make("span"), fill = make("i"), words = make("span");
    button.onclick = () => model.send({row: group});
    button.append(mark, name);
    ground.append(fill);
    bar.append(ground, words);
    grid.append(button, bar);
    return {button, mark, name, fill, words};
  }
  return follow(model, () => {
    const shown = model.get("shown"), most = Math.max(1, ...shown.entries.map(e => e.count));
    put(title, "Groups of the selection, by " + shown.title);
    put(more, shown.more);
    if (rows.length !== shown.entries.length) {
      grid.replaceChildren();
      rows = shown.entries.map((_, group) => row(group));
    }
    shown.entries.forEach((e, group) => {
      const {button, mark, name, fill, words} = rows[group];
      put(mark, e.glyph + " ");
      put(name, e.name);
      mark.style.color = e.colour;
      button.title = "select every point of " + e.name;
      fill.style.width = `${(100 * e.count / most).toFixed(1)}%`;
      put(words, `${number(e.count)} of ${number(e.of)}`);
    });
  });
}

// A lasso that ends where it began is no click; the plot would take it for one and select one point.
let begun = null, far = 0;
document.addEventListener("mousedown", e => { begun = [e.clientX, e.clientY]; far = 0; }, true);
document.addEventListener("mousemove", e => {
  if (begun) far = Math.max(far, Math.hypot(e.clientX - begun[0], e.clientY - begun[1]));
}, true);
document.addEventListener("click", e => {
  begun = null;
  if (far > 5 && e.target.tagName === "CANVAS" && e.target.closest(".emolib-explorer")) e.stopPropagation();
}, true);

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

const VIEWS = {Matrix: matrix, Groups: groups, Panel: panel};
export default { render: shown => VIEWS[shown.model.get("kind")](shown) };
