"use strict";
// Sort a table by any metric, take two of its rows to their test, and keep both in the address. Figures and tests were
// computed when the board was built: this shows them.
(function () {
  const wanted = new Map(); // data asked for, by the name of its file

  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  // A data file is a script that pushes one object; it is asked for once, and only when a reader wants it.
  function load(name) {
    if (!wanted.has(name)) {
      wanted.set(name, new Promise((done, failed) => {
        const script = element("script", { src: "data/" + encodeURIComponent(name) + ".js" });
        script.addEventListener("load", () => {
          const found = (window.proactivebench || []).find((each) => each.name === name);
          if (found) done(found); else failed(new Error(name));
        });
        script.addEventListener("error", () => { wanted.delete(name); failed(new Error(name)); });
        document.head.append(script);
      }));
    }
    return wanted.get(name);
  }

  function number(value, digits, signed) {
    const text = Math.abs(value).toFixed(digits);
    return (value < 0 && Number(text) ? "−" : signed ? "+" : "") + text;
  }

  function pText(p) {
    return p === null ? "–" : p < 0.001 ? "< .001" : p.toFixed(3);
  }

  class Chooser {
    constructor(tools) {
      this.tools = tools;
      this.table = document.getElementById(tools.dataset.table);
      this.panel = tools.nextElementSibling;
      this.name = tools.dataset.name;
      this.select = tools.querySelector("select");
      this.said = tools.querySelector("[role=status]");
      this.link = tools.querySelector("a.here");
      this.pair = [];
      this.picked = null;
      tools.hidden = false;
      this.select.addEventListener("change", () => this.sortBy(this.select.value).then(() => this.keep()));
      const facts = tools.querySelector("input[name=facts]");
      if (facts) facts.addEventListener("change", () => this.table.classList.toggle("without-facts", !facts.checked));
      this.table.addEventListener("sorted", () => this.noticeOrder());
      if (tools.dataset.pairs) this.makeChoosable();
      this.address();
    }

    rows() {
      return Array.from(this.table.tBodies[0].rows);
    }

    rowOf(key) {
      return this.rows().find((row) => row.dataset.key === key);
    }

    nameOf(key) {
      const head = this.rowOf(key)?.querySelector("th[scope=row]");
      return head ? (head.querySelector("a") || head).textContent.trim() : key;
    }

    headOf(metric) {
      return Array.from(this.table.tHead.rows[0].cells).find((head) => head.dataset.metric === metric);
    }

    // The table in the order of a metric: by its own column, else by one that is put beside the names.
    async sortBy(metric) {
      const option = Array.from(this.select.options).find((each) => each.value === metric);
      if (!option) return;
      let head = this.headOf(metric);
      if (!head) {
        let data;
        try {
          data = await load(this.name);
        } catch {
          this.said.textContent = "The figures could not be read.";
          return;
        }
        head = this.addColumn(metric, option, data);
      } else if (this.picked && head !== this.picked) {
        this.dropColumn();
      }
      this.select.value = metric;
      head.dispatchEvent(new Event("sort", { bubbles: true }));
    }

    addColumn(metric, option, data) {
      this.dropColumn();
      const place = data.keys.indexOf(metric);
      const title = option.dataset.short;
      const head = element("th", { title: option.textContent, scope: "col", "data-kind": "number", "data-metric": metric, "data-better": option.dataset.better === "down" ? "less" : null, class: "picked" },
        element("button", { type: "button" }, title));
      this.table.tHead.rows[0].cells[1].after(head);
      for (const row of this.rows()) {
        const found = data.rows[row.dataset.key]?.[place];
        const cell = element("td", { "data-sort": found ? found[0] : "", class: "picked" });
        if (found) {
          cell.append(number(found[0], 3));
          if (found.length > 1) cell.append(" ", element("span", { class: "quiet" }, "[" + number(found[1], 2) + ", " + number(found[2], 2) + "]"));
        } else {
          cell.append(element("span", { class: "quiet" }, "–"));
        }
        row.cells[1].after(cell);
      }
      this.picked = head;
      return head;
    }

    dropColumn() {
      if (!this.picked) return;
      for (const cell of this.table.querySelectorAll(".picked")) cell.remove();
      this.picked = null;
    }

    // Whoever sorted: the choice and the address follow.
    noticeOrder() {
      const head = this.table.querySelector("thead th[aria-sort]");
      const metric = head?.dataset.metric;
      const option = Array.from(this.select.options).find((each) => each.value === metric);
      if (option) this.select.value = metric;
      const ranked = this.rows().some((row) => row.cells[0].dataset.sort);
      const other = metric && metric !== this.tools.dataset.sorted && ranked ? "; ranks are by the metric the table came with" : "";
      this.said.textContent = head ? "Sorted by " + (option || head).textContent.trim() + other + "." : "";
      this.order = option ? metric : null;
      this.address();
    }

    makeChoosable() {
      for (const row of this.rows()) {
        if (!row.dataset.key || row.classList.contains("trivial")) continue;
        const box = element("input", { type: "checkbox", class: "choice", "aria-label": "Test " + this.nameOf(row.dataset.key) + " against another row" });
        box.addEventListener("change", () => this.choose(row.dataset.key, box.checked));
        row.querySelector("th[scope=row]").prepend(box, " ");
      }
    }

    choose(key, chosen) {
      this.pair = this.pair.filter((each) => each !== key);
      if (chosen) this.pair = [...this.pair, key].slice(-2);
      this.show().then(() => this.keep());
    }

    async show() {
      for (const row of this.rows()) {
        const box = row.querySelector("input.choice");
        if (box) box.checked = this.pair.includes(row.dataset.key);
        row.classList.toggle("ticked", this.pair.includes(row.dataset.key));
      }
      this.panel.hidden = !this.pair.length;
      this.panel.replaceChildren();
      if (this.pair.length === 1) this.panel.append(element("p", { role: "status" }, this.nameOf(this.pair[0]) + " is chosen: tick another row."));
      if (this.pair.length < 2) return;
      try {
        const data = await load(this.tools.dataset.pairs);
        this.panel.replaceChildren(...this.told(data, ...this.pair));
      } catch {
        this.panel.append(element("p", { role: "status" }, "The tests could not be read."));
      }
    }

    told(data, first, second) {
      const [one, other] = [first, second].map((key) => data.keys.indexOf(key));
      const [a, b] = [first, second].map((key) => this.nameOf(key));
      const phrases = data.phrases[data.conditions[one + "," + other] ?? 0];
      const side = element("a", { href: "compare.html?a=" + encodeURIComponent(first) + "&b=" + encodeURIComponent(second) }, "Side by side, moment by moment");
      const clear = element("button", { type: "button" }, "Close");
      clear.addEventListener("click", () => {
        const back = this.rowOf(this.pair[1])?.querySelector("input.choice");
        this.pair = [];
        this.show().then(() => { this.keep(); back?.focus(); });
      });
      const reported = [first, second].filter((key) => this.rowOf(key)?.classList.contains("reported"));
      const list = element("dl", { class: "facts" });
      for (const tests of data.tests) {
        const found = tests.pairs.find((pair) => (pair[0] === one && pair[1] === other) || (pair[0] === other && pair[1] === one));
        list.append(element("dt", {}, tests.title + ", " + tests.says), element("dd", {}, ...(found ? this.sentence(tests, found, one, a, b) : ["no test: " + this.missing(data, one, other)])));
      }
      return [
        element("p", { class: "conditions" }, phrases.length ? "Conditions differ, or are not known: " + phrases.map((phrase) => phrase.replaceAll("{first}", a).replaceAll("{second}", b)).join("; ") + "." : "No difference in conditions is known."),
        element("h3", {}, a + " − " + b),
        list,
        ...(reported.length ? [element("p", { class: "quiet" }, "As reported, since nobody has asked its model again: " + reported.map((key) => this.nameOf(key)).join(", ") + ".")] : []),
        element("p", {}, side, " ", clear),
      ];
    }

    missing(data, one, other) {
      if (one < 0 || other < 0) return "pairs are tested of the best entries of a table, without copies and what is not whole; `proactivebench compare` tests any two runs";
      return "one of them has no value, or is not under this judge";
    }

    sentence(tests, pair, one, a, b) {
      const turned = pair[0] !== one;
      const [, , difference, low, high, p, adjusted, words] = pair;
      const delta = turned ? -difference : difference;
      const parts = [element("b", {}, number(delta, 3, true))];
      if (low !== null) parts.push(" [" + number(turned ? -high : low, 2, true) + ", " + number(turned ? -low : high, 2, true) + "]");
      if (p !== null) parts.push("; p " + (p < 0.001 ? "" : "= ") + pText(p) + ", allowing for all " + tests.family + " pairs (max-T) p " + (adjusted < 0.001 ? "" : "= ") + pText(adjusted));
      const ahead = (delta > 0) === (tests.better !== "down") ? a : b;
      parts.push(": ", element("b", {}, words === "can be told apart" ? words + ", " + ahead + " is ahead" : words), ".");
      return parts;
    }

    // What is chosen, as an address. Keys are organisation__model/run: none of their signs means anything here.
    state() {
      const parts = ["table=" + this.name];
      if (this.order) parts.push("metric=" + encodeURIComponent(this.order));
      if (this.pair.length === 2) parts.push("pair=" + this.pair.map(encodeURIComponent).join(","));
      return "#" + parts.join("&");
    }

    address() {
      this.link.href = this.state();
    }

    keep() {
      this.address();
      if (location.hash !== this.state()) {
        mine = this.state();
        location.replace(this.state());
      }
    }

    async restore(asked) {
      const metric = asked.get("metric");
      if (metric) await this.sortBy(metric);
      const keys = (asked.get("pair") || "").split(",").filter((key) => this.rowOf(key)?.querySelector("input.choice"));
      this.pair = [...new Set(keys)].slice(0, 2);
      if (this.tools.dataset.pairs) await this.show();
      this.address();
      this.tools.closest("section").scrollIntoView();
    }
  }

  const choosers = Array.from(document.querySelectorAll(".choose[data-name]"), (tools) => new Chooser(tools));
  let mine = null; // the address that a reader's own choice has just made

  function follow() {
    if (location.hash === mine || !location.hash.startsWith("#table=")) return;
    mine = null;
    const asked = new URLSearchParams(location.hash.slice(1));
    choosers.find((each) => each.name === asked.get("table"))?.restore(asked);
  }
  window.addEventListener("hashchange", follow);
  follow();
})();
