// Sorts the rows of every section by a column; a second press turns the order round.
// Rows without a number stay at the bottom in either direction.
document.querySelectorAll("table.results thead button").forEach((button) => {
  button.addEventListener("click", () => {
    const header = button.closest("th");
    const column = [...header.parentNode.children].indexOf(header);
    const descending = header.getAttribute("aria-sort") !== "descending";
    header.parentNode.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
    header.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const key = (row) => {
      const cell = row.children[column];
      return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
    };
    header.closest("table").querySelectorAll("tbody").forEach((body) => {
      const rows = [...body.querySelectorAll("tr:not(.section)")];
      const numeric = rows.some((row) => row.children[column].dataset.value !== undefined);
      rows.sort((one, other) => {
        const [a, b] = [key(one), key(other)];
        if (numeric && typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
        const order = typeof a === "number" ? a - b : String(a).localeCompare(String(b));
        return descending ? -order : order;
      });
      body.append(...rows);
    });
  });
});
