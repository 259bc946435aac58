// Makes the still charts live when they come near: marks say what they are, and a click shows the case.
const CHARTS = JSON.parse(document.getElementById("charts").textContent);

function valuesOf(columns) {
  const names = Object.keys(columns);
  const length = names.length ? (columns[names[0]].places ?? columns[names[0]]).length : 0;
  return Array.from({ length }, (_, row) =>
    Object.fromEntries(names.map((name) => {
      const column = columns[name];
      return [name, column.places ? column.texts[column.places[row]] : column[row]];
    })),
  );
}

async function enliven(figure) {
  const { spec, columns } = CHARTS[figure.dataset.chart];
  const plot = figure.querySelector(".plot");
  const live = document.createElement("div");
  // ast: expressions are interpreted, so that the page needs no leave to evaluate code
  const options = { ast: true, renderer: "svg", actions: false, tooltip: { disableDefaultStyle: true } };
  const { view } = await window.vegaEmbed(live, { ...spec, data: { values: valuesOf(columns) } }, options);
  const svg = live.querySelector("svg");
  svg.setAttribute("aria-hidden", "true");
  plot.replaceChildren(live);
  figure.dataset.live = "true";
  view.addEventListener("click", (_, item) => {
    const structure = figure.closest("[data-structure]")?.dataset.structure;
    if (item?.datum?.case && structure) {
      document.dispatchEvent(new CustomEvent("show-case", { detail: { case: item.datum.case, structure } }));
    }
  });
}

// Scripts run in the page's order; the library's comes after this one.
window.addEventListener("load", () => {
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((one) => one.isIntersecting)) {
      near.unobserve(entry.target);
      enliven(entry.target).catch((error) => console.error(`chart ${entry.target.dataset.chart}:`, error));
    }
  }, { rootMargin: "300px" });
  for (const figure of document.querySelectorAll("figure.chart")) near.observe(figure);
});
