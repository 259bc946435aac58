// The case browser: narrows the list down, and draws a case's slices when it is chosen.
const SVG = "http://www.w3.org/2000/svg";

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function draw(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function readRow(element, runs) {
  const text = (cell) => element.cells[cell].textContent.trim();
  const dice = runs.map((_, place) => {
    const value = element.cells[2 + place].dataset.value;
    return value === undefined ? null : Number(value);
  });
  return {
    element,
    place: Number(element.dataset.place),
    case: text(0),
    structure: text(1),
    centre: text(2 + runs.length),
    distances: runs.map((_, place) => text(3 + runs.length + place)),
    distribution: element.dataset.distribution,
    dice,
    rule: element.cells[element.cells.length - 1].textContent,
  };
}

function fits(row, wanted, runs) {
  const run = runs.indexOf(wanted.run);
  if (run >= 0 && row.dice[run] === null) return false;
  for (const field of ["structure", "centre", "distribution"]) {
    if (wanted[field] && row[field] !== wanted[field]) return false;
  }
  if (wanted.rule) {
    const rules = runs.map((name) => ruleOf(row, name)).filter((_, place) => run < 0 || place === run);
    if (!rules.includes(wanted.rule)) return false;
  }
  const words = (wanted.search ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const all = `${row.case} ${row.structure} ${row.centre} ${row.rule}`.toLowerCase();
  return words.every((word) => all.includes(word));
}

function ruleOf(row, run) {
  const told = row.rule.split("; ").find((part) => part.startsWith(`${run}: `));
  return told ? told.slice(run.length + 2).trim().replaceAll(" ", "_") : "measured";
}

function drawSlice(slice, place, label) {
  const [width, height] = slice.size;
  const side = Math.max(width, height);
  const [x0, y0] = [(width - side) / 2, (height - side) / 2];
  const svg = draw("svg", { class: "slice", viewBox: `${x0} ${y0} ${side} ${side}`, role: "img", "aria-label": label });
  if (slice.image) {
    svg.append(draw("image", { href: slice.image, width, height, preserveAspectRatio: "none" }));
  }
  const outlines = draw("g", { class: "outlines" });
  if (slice.truth) outlines.append(draw("path", { class: "outline truth", d: slice.truth }));
  if (slice.predictions[place]) outlines.append(draw("path", { class: "outline prediction", d: slice.predictions[place] }));
  if (slice.box) {
    const [x, y, w, h] = slice.box;
    for (const name of ["box-under", "box"]) outlines.append(draw("rect", { class: name, x, y, width: w, height: h }));
  }
  for (const [cx, cy] of slice.points) outlines.append(draw("circle", { class: "point", cx, cy, r: side * 0.011 }));
  const arm = side * 0.014;
  for (const [x, y] of slice.negative) {
    outlines.append(draw("path", { class: "negative", d: `M${x - arm},${y - arm}l${2 * arm},${2 * arm}m0,${-2 * arm}l${-2 * arm},${2 * arm}` }));
  }
  svg.append(outlines, drawLetters(slice.letters, x0, y0, side, width, height));
  return svg;
}

function drawLetters(letters, x0, y0, side, width, height) {
  const size = side * 0.045;
  const group = draw("g", { class: "letter", "font-size": size, "stroke-width": size * 0.15, "aria-hidden": "true" });
  const places = [
    [x0 + size, height / 2],
    [width / 2, y0 + size],
    [x0 + side - size, height / 2],
    [width / 2, y0 + side - size],
  ];
  places.forEach(([x, y], place) => group.append(draw("text", { x, y }, letters[place])));
  return group;
}

function mark(place) {
  return document.querySelectorAll("#run-legend .mark")[place].cloneNode(true);
}

function captionOf(slice, place) {
  const dice = slice.dice[place];
  const wrong = slice.wrong[place];
  const parts = [dice === null ? "nothing here" : `Dice ${dice.toFixed(3)}`, `${wrong} ${wrong === 1 ? "voxel" : "voxels"} wrong`];
  if (!slice.predictions[place]) parts.push("prediction empty");
  if (!slice.truth) parts.push("truth empty");
  return parts.join(", ");
}

function panels(row, picture, runs, wantedRun) {
  const shown = picture.runs.filter((run) => !wantedRun || run === wantedRun);
  const grid = make("div", { class: "panels", style: `--runs: ${shown.length === 1 ? 3 : Math.min(shown.length, 4)}; --narrow: ${Math.min(shown.length, 3)}` });
  for (const slice of picture.slices) {
    for (const run of shown) {
      const place = picture.runs.indexOf(run);
      const told = captionOf(slice, place);
      const label = `${run}, slice ${slice.index}: outlines of truth and prediction; ${told}`;
      const caption = make("figcaption", {}, mark(runs.indexOf(run)), make("b", {}, run), `, slice ${slice.index}`, make("br"));
      caption.append(make("span", { class: "quiet" }, told));
      grid.append(make("figure", {}, drawSlice(slice, place, label), caption));
    }
  }
  const without = runs.filter((run) => !picture.runs.includes(run) && (!wantedRun || run === wantedRun));
  if (without.length) grid.append(make("p", { class: "quiet" }, `No prediction to draw: ${without.join(", ")}.`));
  return grid;
}

function startBrowser() {
  const table = document.getElementById("case-table");
  if (!table) return;
  const form = document.getElementById("filters");
  const viewer = document.getElementById("viewer");
  const counted = document.getElementById("counted");
  const announced = document.getElementById("announced");
  const runs = [...form.elements.run.options].slice(1).map((option) => option.value);
  const rows = [...table.tBodies[0].rows].map((element) => readRow(element, runs));
  const byElement = new Map(rows.map((row) => [row.element, row]));
  const pictured = document.querySelectorAll('script[id^="picture-"]').length;
  let current = null;

  const wanted = () => Object.fromEntries(new FormData(form));
  const visible = () => [...table.tBodies[0].rows].map((element) => byElement.get(element)).filter((row) => !row.element.hidden);

  function narrow() {
    const now = wanted();
    let count = 0;
    for (const row of rows) {
      row.element.hidden = !fits(row, now, runs);
      if (!row.element.hidden) count += 1;
    }
    counted.textContent = `${count} of ${rows.length} shown. ${pictured} have pictures, the worst of each run and structure first${pictured < rows.length ? "; the others have nothing to draw, or are left out to keep the file small" : ""}.`;
    if (!current || current.element.hidden) choose(visible()[0] ?? null);
    else show();
  }

  function order() {
    const run = runs.indexOf(wanted().run);
    const key = (row) => (run < 0 ? row.place : row.dice[run] ?? 2);
    table.tBodies[0].append(...[...rows].sort((a, b) => key(a) - key(b) || a.place - b.place).map((row) => row.element));
    [...table.tHead.rows[0].cells].forEach((head) => head.removeAttribute("aria-sort"));
  }

  function choose(row, focus = false) {
    if (current) {
      current.element.classList.remove("chosen");
      current.element.querySelector("button").removeAttribute("aria-current");
    }
    current = row;
    if (row) {
      row.element.classList.add("chosen");
      row.element.querySelector("button").setAttribute("aria-current", "true");
      const list = table.closest(".list");
      const [top, bottom] = [row.element.offsetTop, row.element.offsetTop + row.element.offsetHeight];
      if (top - table.tHead.offsetHeight < list.scrollTop) list.scrollTop = top - table.tHead.offsetHeight;
      if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight;
    }
    show();
    announced.textContent = row ? `${document.getElementById("viewed").textContent}, ${viewer.querySelector(".steps span").textContent}` : "";
    if (focus) viewer.focus();
  }

  function move(step) {
    const shown = visible();
    const next = shown[shown.indexOf(current) + step];
    if (next) choose(next);
  }

  function show() {
    viewer.replaceChildren();
    if (!current) {
      viewer.append(make("p", { id: "viewed" }, "No case fits."));
      return;
    }
    const shown = visible();
    const at = shown.indexOf(current);
    const title = make("h3", { id: "viewed" }, `${current.structure}, case ${current.case}`);
    const steps = make("div", { class: "steps" });
    for (const [name, step, on] of [["Previous", -1, at > 0], ["Next", 1, at < shown.length - 1]]) {
      const button = make("button", { type: "button" }, name);
      button.disabled = !on;
      button.addEventListener("click", () => {
        move(step);
        const again = [...viewer.querySelectorAll(".steps button")].find((one) => one.textContent === name);
        (again.disabled ? viewer : again).focus();
      });
      steps.append(button);
    }
    steps.append(make("span", { class: "quiet" }, `${at + 1} of ${shown.length}`));
    const facts = [current.centre && `centre ${current.centre}`, ...runs.map((run, place) => {
      const dice = current.dice[place];
      return dice === null ? `${run}: not scored` : `${run}: Dice ${dice.toFixed(3)}, HD ${current.distances[place]} mm`;
    })].filter(Boolean);
    viewer.append(make("header", {}, title, steps), make("p", { class: "quiet" }, facts.join(" · ")));
    const script = document.getElementById(`picture-${current.place}`);
    if (script) viewer.append(panels(current, JSON.parse(script.textContent), runs, wanted().run));
    else viewer.append(make("p", {}, "No pictures: nobody holds this structure here, or they were left out to keep the file small."));
  }

  for (const row of rows) {
    const cell = row.element.cells[0];
    const button = make("button", { type: "button", class: "case-button" }, ...cell.childNodes);
    cell.append(button);
    button.addEventListener("click", () => choose(row));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const shown = visible();
      const next = shown[shown.indexOf(row) + step];
      if (next) {
        choose(next);
        next.element.querySelector("button").focus({ preventScroll: true });
      }
    });
  }
  viewer.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    move(step);
    if (!viewer.contains(document.activeElement)) viewer.focus();
  });
  form.addEventListener("input", (event) => {
    if (event.target.name === "run") order();
    narrow();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { order(); narrow(); }));
  table.addEventListener("sorted", () => show());
  document.addEventListener("show-case", (event) => {
    const row = rows.find((one) => one.case === event.detail.case && one.structure === event.detail.structure);
    if (!row) return;
    if (row.element.hidden) form.reset();
    setTimeout(() => {
      choose(row, true);
      viewer.scrollIntoView({ block: "start" });
    });
  });
  for (const element of document.querySelectorAll(".needs-script")) element.hidden = false;
  narrow();
}
startBrowser();
