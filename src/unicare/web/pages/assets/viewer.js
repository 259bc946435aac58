// Elements of class "viewer": an image in slices, with truth and prediction over it.

import { canDraw, openScene } from "./scene.js";
import { amounts, fetchVolume, fullest, indexed, overlays } from "./volumes.js";

const MODES = { image: "Image", truth: "Truth", prediction: "Prediction", both: "Both", difference: "Difference" };
const FIRST = ["both", "prediction", "truth", "image"];
const STEP = 0.1;

function made(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

const ml = (amount) => (amount >= 100 ? amount.toFixed(0) : amount.toFixed(1));

class Viewer {
  constructor(root) {
    this.root = root;
    this.set = root.dataset;
    this.labels = JSON.parse(this.set.labels || "[]");
    this.status = made("p", { className: "viewer-status quiet", role: "status" });
    root.prepend(this.status);
  }

  async open() {
    if (!canDraw()) {
      this.#say("This browser can’t draw volumes: it has no WebGL2, or it is switched off. The files can be downloaded.");
      return;
    }
    this.#say("Loading the volumes…");
    try {
      const { image, truth, prediction } = this.set;
      const wanted = { image, truth, prediction };
      const files = await Promise.all(
        Object.entries(wanted).map(async ([what, address]) => [what, address ? await fetchVolume(address, what) : null]),
      );
      await this.#build(Object.fromEntries(files));
      this.root.dataset.state = "ready";
    } catch (error) {
      this.frame?.remove();
      this.root.dataset.state = "failed";
      this.#say(error.message);
    }
  }

  async #build(files) {
    this.canvas = made("canvas", { role: "img", tabIndex: 0 });
    this.frame = made("div", { className: "viewer-frame" }, made("div", { className: "viewer-picture" }, this.canvas));
    this.status.after(this.frame);
    const addresses = { niivue: this.set.niivue, font: this.set.font };
    this.scene = await readable("image", () => openScene(this.canvas, addresses, files.image));
    const [truth, prediction] = await Promise.all(["truth", "prediction"].map((what) => this.#labelMap(files[what], what)));
    this.overlays = overlays(truth, prediction, this.labels);
    this.#controls();
    this.#amounts(truth, prediction);
    const place = fullest(truth ?? prediction ?? new Uint8Array(), this.scene.dims, this.scene.fileAxis);
    this.scene.setPlanes(1);
    if (place) this.scene.show(place);
    this.show(FIRST.find((mode) => this.overlays.has(mode)));
    this.scene.picture.onLocationChange = () => this.#tellSlice();
    this.#tellSlice();
    this.#say("");
  }

  async #labelMap(file, what) {
    if (file === null) return null;
    const voxels = await readable(what, () => this.scene.voxels(file));
    if (voxels === null) throw new Error(`The ${what} has another grid than the image.`);
    return indexed(voxels, this.labels);
  }

  #controls() {
    this.buttons = new Map();
    const group = made("div", { className: "viewer-modes", role: "group", "aria-label": "What lies over the image" });
    [...this.overlays.keys()].forEach((mode, place) => {
      const key = String(place + 1);
      const button = made("button", { type: "button", className: "choice", textContent: MODES[mode], title: `Key ${key}` });
      button.setAttribute("aria-keyshortcuts", key);
      button.addEventListener("click", () => this.show(mode));
      this.buttons.set(mode, button);
      group.append(button);
    });
    this.slider = made("input", { type: "range", min: 1, max: this.scene.slices, step: 1 });
    this.slider.addEventListener("input", () => (this.scene.slice = this.slider.valueAsNumber - 1));
    this.sliceWords = made("output");
    this.opacity = made("input", { type: "range", min: 0, max: 1, step: STEP / 2, value: this.scene.opacity });
    this.opacity.addEventListener("input", () => this.scene.setOpacity(this.opacity.valueAsNumber));
    this.planes = made("button", { type: "button", className: "choice", textContent: "Three planes", title: "Key P" });
    this.planes.setAttribute("aria-keyshortcuts", "P");
    this.planes.addEventListener("click", () => this.#turnPlanes());
    this.legend = made("ul", { className: "viewer-legend row" });
    const slice = made("label", { className: "viewer-slide" }, made("span", { textContent: "Slice" }), this.slider, this.sliceWords);
    const opacity = made("label", { className: "viewer-slide narrow" }, made("span", { textContent: "Opacity" }), this.opacity);
    const hint = "Arrow keys or, after a click, the wheel: slices. Left and right: opacity. Drag with the right button: contrast.";
    this.frame.prepend(made("div", { className: "viewer-bar" }, group, this.planes));
    this.frame.append(
      this.legend,
      made("div", { className: "viewer-bar" }, slice, opacity),
      made("p", { className: "viewer-hint quiet", textContent: hint }),
    );
    this.root.addEventListener("keydown", (event) => this.#key(event));
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
    const { scene } = this;
    const moves = {
      ArrowUp: () => (scene.slice += 1),
      ArrowDown: () => (scene.slice -= 1),
      PageUp: () => (scene.slice += 5),
      PageDown: () => (scene.slice -= 5),
      Home: () => (scene.slice = 0),
      End: () => (scene.slice = scene.slices - 1),
      ArrowRight: () => this.#fade(STEP),
      ArrowLeft: () => this.#fade(-STEP),
      p: () => this.#turnPlanes(),
    };
    const mode = [...this.overlays.keys()][Number(event.key) - 1];
    const act = mode ? () => this.show(mode) : moves[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  #fade(step) {
    this.opacity.valueAsNumber = Math.min(1, Math.max(0, this.opacity.valueAsNumber + step));
    this.scene.setOpacity(this.opacity.valueAsNumber);
  }

  #turnPlanes() {
    this.scene.setPlanes(this.scene.planes === 1 ? 3 : 1);
    this.planes.setAttribute("aria-pressed", String(this.scene.planes === 3));
    this.frame.classList.toggle("three", this.scene.planes === 3);
  }

  show(mode) {
    const { voxels, legend } = this.overlays.get(mode)();
    this.scene.lay(voxels, legend);
    this.mode = mode;
    for (const [name, button] of this.buttons) button.setAttribute("aria-pressed", String(name === mode));
    this.legend.replaceChildren(
      ...legend.map(({ name, colour }) => {
        const swatch = made("span", { className: "swatch" });
        swatch.style.backgroundColor = colour;
        return made("li", {}, swatch, name);
      }),
    );
    this.root.dataset.mode = mode;
    this.#tellSlice();
  }

  #tellSlice() {
    const place = `${this.scene.slice + 1} of ${this.scene.slices}`;
    this.slider.value = this.scene.slice + 1;
    this.slider.setAttribute("aria-valuetext", place);
    this.sliceWords.textContent = place;
    const over = { image: "without anything over it", both: "with truth and prediction", difference: "with what differs" };
    const words = over[this.mode] ?? `with the ${this.mode}`;
    this.canvas.setAttribute("aria-label", `${this.set.title || "Image"}, slice ${place}, ${words}`);
  }

  // the same in words
  #amounts(truth, prediction) {
    if ((!truth && !prediction) || !this.labels.length) return;
    const rows = amounts(truth, prediction, this.labels, this.scene.voxelMl);
    const columns = [["truth", "Truth"], ["prediction", "Prediction"], ["both", "In both"]].filter(
      ([key]) => (key !== "truth" || truth) && (key !== "prediction" || prediction) && (key !== "both" || (truth && prediction)),
    );
    const cell = (text, name = "td") => made(name, { className: "number", textContent: text });
    const head = made("tr", {}, made("th", { scope: "col", textContent: "Structure" }), ...columns.map(([, words]) => {
      const found = cell(words, "th");
      found.scope = "col";
      return found;
    }));
    const body = rows.map((row) =>
      made("tr", {}, made("th", { scope: "row", textContent: row.name }), ...columns.map(([key]) => cell(ml(row[key])))),
    );
    const caption = made("caption", {}, "Volumes ", made("span", { className: "quiet", textContent: "ml" }));
    const table = made("table", { className: "viewer-amounts" }, caption, made("thead", {}, head), made("tbody", {}, ...body));
    this.frame.append(made("div", { className: "scroll", role: "region", tabIndex: 0, "aria-label": "Volumes" }, table));
  }

  #say(words) {
    this.status.textContent = words;
    this.status.hidden = words === "";
  }
}

async function readable(what, read) {
  try {
    return await read();
  } catch (error) {
    console.warn(error);
    throw new Error(`The ${what} can’t be shown: its file isn’t a volume that can be read here.`);
  }
}

// each begins when it comes near
const near = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      new Viewer(target).open();
    }
  },
  { rootMargin: "200px" },
);
for (const root of document.querySelectorAll("div.viewer")) near.observe(root);
