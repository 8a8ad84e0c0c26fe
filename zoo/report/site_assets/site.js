"use strict";
// The table is complete without this script; it adds searching and sorting.
const table = document.querySelector("table.models");
const body = table.tBodies[0];
const rows = Array.from(body.rows);
const form = document.querySelector("form");
const count = document.querySelector("#count");

function key(row, column) {
  const text = row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();
  const number = Number(text);
  return text !== "" && !Number.isNaN(number) ? number : text;
}

function compare(a, b) {
  if (a === "" || b === "") return (a === "") - (b === "");
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

function sortBy(header) {
  const column = header.cellIndex;
  const falls = header.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", falls ? "descending" : "ascending");
  const keyed = rows.map((row) => [key(row, column), row]);
  // Cells without a value stay at the end in both directions.
  keyed.sort(([a], [b]) => (falls && a !== "" && b !== "" ? compare(b, a) : compare(a, b)));
  body.append(...keyed.map(([, row]) => row));
}

function filter() {
  const words = form.elements.search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const family = form.elements.family.value;
  const kind = form.elements.kind.value;
  let shown = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    const fits = words.every((word) => text.includes(word))
      && (!family || row.dataset.family === family) && (!kind || row.dataset.kind === kind);
    row.hidden = !fits;
    shown += fits;
  }
  count.textContent = `${shown} of ${rows.length} models`;
}

for (const header of table.tHead.rows[0].cells) {
  header.querySelector("button").addEventListener("click", () => sortBy(header));
}
form.hidden = false;
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
filter();
