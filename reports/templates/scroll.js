for (const scroller of document.querySelectorAll(".scroll")) {
  const table = scroller.querySelector("table"), hint = scroller.parentElement.querySelector(".hint");
  if (!table || !hint) continue;
  const some = (cells, begin, end, low, high) => [...cells].filter((cell) => {
    const box = cell.getBoundingClientRect();
    return box[begin] >= low - 1 && box[end] <= high + 1;
  }).length;
  const tell = () => {
    const box = scroller.getBoundingClientRect();
    const rows = table.tBodies[0].rows, heads = table.tHead.rows[0].cells, told = [];
    if (scroller.scrollHeight > scroller.clientHeight + 1) {
      const below = table.tHead.getBoundingClientRect().bottom;
      told.push(`${some(rows, "top", "bottom", below, box.top + scroller.clientHeight)} of ${rows.length} rows, scroll`);
    }
    if (scroller.scrollWidth > scroller.clientWidth + 1) {
      told.push(`${some(heads, "left", "right", box.left, box.left + scroller.clientWidth)} of ${heads.length} columns, scroll sideways`);
    }
    if (hint.textContent !== told.join("; ")) hint.textContent = told.join("; ");
    if (told.length) scroller.tabIndex = 0; else scroller.removeAttribute("tabindex");
  };
  let due = false;
  const soon = () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => { due = false; tell(); });
  };
  scroller.addEventListener("scroll", soon, {passive: true});
  addEventListener("resize", soon);
  tell();
}
