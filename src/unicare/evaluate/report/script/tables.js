// Tables whose heads sort them; the arrows are drawn by the style sheet from aria-sort.
function sortTable(table, column, ascending) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head) => head.removeAttribute("aria-sort"));
  heads[column].setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
  const isNothing = (text) => text === "" || text === "–";
  const compare = (one, other) => {
    const [x, y] = [value(one), value(other)];
    if (isNothing(x) || isNothing(y)) return isNothing(x) - isNothing(y); // last either way
    const [a, b] = [Number(x), Number(y)];
    const order = Number.isNaN(a) || Number.isNaN(b) ? x.localeCompare(y, undefined, { numeric: true }) : a - b;
    return ascending ? order : -order;
  };
  const body = table.tBodies[0];
  body.append(...[...body.rows].sort(compare));
  table.dispatchEvent(new CustomEvent("sorted"));
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () =>
      sortTable(table, column, head.getAttribute("aria-sort") !== "ascending"),
    );
  });
}

// A link to a structure opens it.
function openTarget() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) target.open = true;
}
window.addEventListener("hashchange", openTarget);
openTarget();
