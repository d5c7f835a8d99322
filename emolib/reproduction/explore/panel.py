"""The corner that shows one sample, and hands out files: the one piece that is not an ordinary widget.

A picture put into an ordinary widget becomes part of its state, and state may be saved with a notebook. Here pictures, sounds and
files travel as messages: the browser shows them and forgets them, so a restricted face cannot end up in an .ipynb.
"""

from __future__ import annotations

import anywidget
import traitlets

_PAGE = """
function blob(buffers, at, type) { return URL.createObjectURL(new Blob([buffers[at]], {type: type})); }
function dark() {
  const lab = document.body.dataset.jpThemeLight;
  if (lab !== undefined) return lab === "false";
  if (document.body.classList.contains("theme-dark")) return true;
  return window.matchMedia("(prefers-color-scheme: dark)").matches && !document.body.classList.contains("theme-light");
}
function render({model, el}) {
  el.classList.add("emolib-sample");
  el.setAttribute("role", "region");
  el.setAttribute("aria-label", "sample");
  el.setAttribute("aria-live", "polite");
  const words = document.createElement("dl"), picture = document.createElement("img"), tones = document.createElement("img"),
        sound = document.createElement("audio"), note = document.createElement("p");
  sound.controls = true;
  for (const e of [picture, tones, sound, note]) e.hidden = true;
  el.append(picture, tones, sound, words, note);
  function put(e, buffers, at, type) {
    if (e.src) URL.revokeObjectURL(e.src);
    e.hidden = at === null || at === undefined;
    if (e.hidden) e.removeAttribute("src"); else e.src = blob(buffers, at, type);
  }
  function heard(message, buffers) {
    if (message.kind === "sample") {
      put(picture, buffers, message.picture, "image/png");
      put(tones, buffers, message.spectrogram, "image/png");
      put(sound, buffers, message.sound, "audio/wav");
      picture.alt = message.alt; tones.alt = "spectrogram, time to the right, high tones above";
      sound.setAttribute("aria-label", "sound of " + message.alt);
      words.replaceChildren(...Object.entries(message.words).flatMap(([k, v]) => {
        const a = document.createElement("dt"), b = document.createElement("dd");
        a.textContent = k; b.textContent = v; return [a, b];
      }));
      note.textContent = message.note; note.hidden = !message.note;
    } else if (message.kind === "file") {
      const a = document.createElement("a");
      a.href = blob(buffers, 0, message.type); a.download = message.name;
      document.body.append(a); a.click(); a.remove();
      setTimeout(() => URL.revokeObjectURL(a.href), 10000);
    }
  }
  model.on("msg:custom", heard);
  function theme() { model.set("dark", dark()); model.save_changes(); }
  const seen = new MutationObserver(theme), system = window.matchMedia("(prefers-color-scheme: dark)");
  seen.observe(document.body, {attributes: true, attributeFilter: ["data-jp-theme-light", "class"]});
  system.addEventListener("change", theme);
  theme();
  model.send({kind: "ready"});
  return () => { seen.disconnect(); system.removeEventListener("change", theme); model.off("msg:custom", heard); };
}
export default { render };
"""

_STYLE = """
.emolib-sample {min-height: 9em}
.emolib-sample img {max-width: 100%; image-rendering: pixelated; display: block; margin-bottom: 4px}
.emolib-sample img:first-of-type {width: 128px}
.emolib-sample img:nth-of-type(2) {width: 100%; height: 72px}
.emolib-sample [hidden] {display: none}
.emolib-sample audio {width: 100%; height: 34px}
.emolib-explorer .emolib-sample dl {display: grid; grid-template-columns: minmax(4em, max-content) 1fr; gap: 1px 10px; margin: 4px 0; line-height: 1.3}
.emolib-explorer .emolib-sample dt {opacity: .7; font-weight: normal; float: none; width: auto}
.emolib-explorer .emolib-sample dd {margin: 0; float: none; width: auto; overflow-wrap: anywhere}
"""


class Panel(anywidget.AnyWidget):
    """Shows one sample at a time and saves files through the browser. `dark`: does the page around it have a dark ground?"""

    _esm = _PAGE
    _css = _STYLE
    dark = traitlets.Bool(False).tag(sync=True)

    def show(self, words: dict[str, str], sample) -> None:
        """Show what is said of a point, and its picture, spectrogram and sound (explore.media.Sample) as far as there are any."""
        parts, at = [], {}
        for name in ("picture", "spectrogram", "sound"):
            raw = getattr(sample, name)
            at[name] = len(parts) if raw else None
            parts += [raw] if raw else []
        self.send(
            {
                "kind": "sample",
                "words": words,
                "alt": words.get("sample", ""),
                "note": sample.note,
                **at,
            },
            parts,
        )

    def save(self, name: str, raw: bytes, type: str) -> None:
        """Let the browser download a file."""
        self.send({"kind": "file", "name": name, "type": type}, [raw])
