"use strict";
// Tables that sort by their column heads and shrink by their filters. Works on what the page already shows.
(function () {
  const SHORT = 100; // rows laid out at once in a long table, the trivial agents apart

  // A long table shows its first rows in the present order; the others wait for "Show all rows".
  function shorten(table) {
    if (!table.classList.contains("short")) return;
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      if (row.classList.contains("trivial")) continue;
      row.classList.toggle("later", shown >= SHORT);
      shown += !row.hidden;
    }
  }

  function sortKey(row, column, kind) {
    const text = row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();
    if (kind === "text") return text.toLowerCase();
    return text === "" ? null : Number(text);
  }

  function sortTable(table, column, direction) {
    const head = table.tHead.rows[0].cells[column];
    const keyed = Array.from(table.tBodies[0].rows, (row) => [sortKey(row, column, head.dataset.kind), row]);
    const sign = direction === "ascending" ? 1 : -1;
    const block = (row) => Number(row.dataset.block ?? 0); // what nobody reproduced stays behind what somebody did
    keyed.sort(([a, one], [b, other]) => {
      if (block(one) !== block(other)) return block(one) - block(other);
      if (a === null || b === null) return (a === null) - (b === null); // undefined stays last either way
      return sign * (a < b ? -1 : a > b ? 1 : 0);
    });
    for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", direction);
    table.tBodies[0].append(...keyed.map(([, row]) => row));
    shorten(table);
    table.dispatchEvent(new Event("sorted"));
  }

  function best(head) {
    return head.dataset.kind === "text" || head.dataset.better === "less" ? "ascending" : "descending"; // the best first
  }

  // Other scripts ask for an order by the event "sort" at a head, and hear of one by "sorted" at its table.
  function makeSortable(table) {
    for (const head of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
    }
    table.tHead.addEventListener("click", (event) => {
      const head = event.target.closest("button") && event.target.closest("th");
      if (!head) return;
      const other = best(head) === "ascending" ? "descending" : "ascending";
      sortTable(table, head.cellIndex, head.getAttribute("aria-sort") === best(head) ? other : best(head));
    });
    table.tHead.addEventListener("sort", (event) => sortTable(table, event.target.cellIndex, best(event.target)));
  }

  // A filter shows a row whose text holds every word asked for; trivial agents always stay in view. `data-cells` are
  // the columns that are searched.
  function makeFilter(tools) {
    const table = document.getElementById(tools.dataset.table);
    const search = tools.querySelector("input[type=search]");
    const choices = tools.querySelectorAll("select");
    const said = tools.querySelector("[role=status]");
    const cells = (tools.dataset.cells || "1").split(" ").map(Number);
    const rows = Array.from(table.tBodies[0].rows, (row) => [row, [...cells.map((cell) => row.cells[cell].textContent), row.dataset.badges.replaceAll("-", " ")].join(" ").toLowerCase()]);
    function apply() {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0, found = 0;
      for (const [row, text] of rows) {
        const fits = words.every((word) => text.includes(word))
          && Array.from(choices).every((choice) => !choice.value || (row.dataset[choice.name] || "").split(" ").includes(choice.value));
        row.hidden = !(fits || row.classList.contains("trivial"));
        shown += !row.hidden;
        found += fits;
      }
      shorten(table);
      const laid = table.classList.contains("short") && shown > SHORT ? ", the first " + SHORT + " shown" : "";
      said.textContent = found ? shown + " of " + rows.length + " rows" + laid : "no match" + (shown ? "; trivial agents shown" : "");
    }
    const all = tools.querySelector("button.all");
    if (all) all.addEventListener("click", () => {
      all.setAttribute("aria-pressed", String(!table.classList.toggle("short")));
      apply();
    });
    search.addEventListener("input", apply);
    choices.forEach((choice) => choice.addEventListener("change", apply));
    apply();
  }

  // Where a table is wider than its place, say so, and fade the edge that hides more.
  function hintAtWidth(scroller) {
    const hint = document.createElement("p");
    hint.className = "hint";
    hint.textContent = "The table goes on to the right: scroll it sideways.";
    scroller.before(hint);
    function look() {
      const hidden = scroller.scrollWidth - scroller.clientWidth;
      scroller.classList.toggle("over", hidden > 1);
      scroller.classList.toggle("more", hidden - scroller.scrollLeft > 2);
    }
    scroller.addEventListener("scroll", look, { passive: true });
    new ResizeObserver(look).observe(scroller);
  }

  document.querySelectorAll(".scroller").forEach(hintAtWidth);
  document.querySelectorAll("table.board").forEach(makeSortable);
  document.querySelectorAll(".tools[data-table]:has(input[type=search])").forEach(makeFilter);
})();
