"use strict";
// Sorting: numbers by value, text by language; unknown values always last; equal rows keep their order.
const text = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
function compare(a, b, direction) {
  const unknownA = a.key === "" && (a.text === "–" || a.text === "");
  const unknownB = b.key === "" && (b.text === "–" || b.text === "");
  if (unknownA || unknownB) return unknownA - unknownB;
  if (a.key !== "" && b.key !== "") return direction * (Number(a.key) - Number(b.key));
  return direction * text.compare(a.text, b.text);
}
for (const table of document.querySelectorAll("table.sortable")) {
  const titles = [...table.tHead.rows[0].cells];
  titles.forEach((title, column) => {
    const cells = [...table.tBodies[0].rows].map((row) => row.cells[column]);
    const numeric = cells.some((cell) => cell.dataset.key !== "");
    title.querySelector("button").addEventListener("click", () => {
      // Numbers start with the largest, names with the first letter.
      const first = numeric ? "descending" : "ascending";
      const other = numeric ? "ascending" : "descending";
      const order = title.getAttribute("aria-sort") === first ? other : first;
      const direction = order === "ascending" ? 1 : -1;
      const rows = [...table.tBodies[0].rows].map((row) => {
        const cell = row.cells[column];
        return { row, key: cell.dataset.key, text: cell.textContent.trim() };
      });
      rows.sort((a, b) => compare(a, b, direction));
      table.tBodies[0].append(...rows.map((entry) => entry.row));
      titles.forEach((each) => each.removeAttribute("aria-sort"));
      title.setAttribute("aria-sort", order);
    });
  });
}
// A table that is wider than its box says so.
const boxes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    target.parentElement.classList.toggle("scrolls", target.scrollWidth > target.clientWidth + 1);
  }
});
for (const box of document.querySelectorAll(".table-box")) boxes.observe(box);
// Pictures enlarge in a dialog; Escape closes it, as do a click on the picture and one beside it. On a phone they are
// shown larger than the screen, to be moved and pinched, and only the button closes.
const viewer = document.getElementById("viewer");
for (const button of document.querySelectorAll(".enlarge")) {
  button.addEventListener("click", () => {
    const small = button.querySelector("img");
    const large = viewer.querySelector("img");
    large.src = small.src;
    large.alt = small.alt;
    viewer.querySelector("p").textContent = small.alt;
    viewer.showModal();
  });
}
viewer.addEventListener("click", (event) => {
  const box = viewer.querySelector(".large");
  const moves = box.scrollWidth > box.clientWidth + 1;
  if (event.target === viewer || (event.target.tagName === "IMG" && !moves)) viewer.close();
});
// A printed page shows everything.
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
