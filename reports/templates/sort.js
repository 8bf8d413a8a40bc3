"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const sort = (head) => {
    const column = heads.indexOf(head);
    const down = head.getAttribute("aria-sort") === "ascending";
    const keyed = [...body.rows].map((row) => {
      const text = row.cells[column].dataset.v, number = Number(text);
      return {row, text, number: Number.isNaN(number) ? null : number};
    });
    keyed.sort((a, b) => {
      if (a.text === "" || b.text === "") return (a.text === "") - (b.text === "");
      const order = a.number !== null && b.number !== null ? a.number - b.number
        : a.text < b.text ? -1 : a.text > b.text ? 1 : 0;
      return down ? -order : order;
    });
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...keyed.map(({row}) => row));
  };
  for (const head of heads) head.addEventListener("click", () => sort(head));
}
