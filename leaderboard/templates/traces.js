"use strict";
// The trace pages: what the user did, what each agent offered, what the judge said. All text is set as text, never as
// markup. Data comes from the page itself or from data files of the same site, all of the board's own making.
(function () {
  const OUTCOMES = {
    A: ["accepted offer", "good", "✓"], R: ["rejected offer", "bad", "✗"], U: ["unscored offer", "warn", "?"],
    a: ["right silence", "good", "·"], r: ["missed need", "bad", "○"], u: ["unscored silence", "warn", "?"],
    "?": ["offer, not judged", "quiet", "■"], "-": ["silence, not judged", "quiet", "–"], ".": ["no answer", "warn", "!"],
  };
  const NOTES = {
    null_string: "silence written as the text “null” or “none”", task_not_text: "an offer that is no text: a number, list or record",
    failed_call: "a failed call stored in place of an answer", extra_candidates: "more offers than asked for: only the first count",
    duplicate_key: "the task given twice", context_dropped: "oldest turns left out so that the conversation fits",
  };
  const MANY = 20; // options that a reader scans without a filter
  const place = document.getElementById("traces");
  if (!place) return;

  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  }

  function drawn(name, attributes, ...children) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value !== null && value !== undefined) made.setAttribute(key, value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  }

  function collected() {
    const inline = document.getElementById("data");
    const parts = inline ? JSON.parse(inline.textContent) : window.proactivebench || [];
    const tasks = {}, runs = {};
    for (const part of parts) {
      if (part.kind === "task") tasks[part.name] = part;
      if (part.kind === "run") runs[part.key] = part;
    }
    return { tasks, runs: Object.values(runs) };
  }

  // How long into the trace a moment is; its turn where times are not at hand.
  function clock(trace, turn) {
    const [first, now] = [trace.events[0][0], trace.events[turn][0]];
    if (!first || !now) return "turn " + turn;
    if (!Number.isFinite(Number(first)) || !Number.isFinite(Number(now))) return now;
    const seconds = Math.round(Number(now) - Number(first));
    const minutes = Math.trunc(Math.abs(seconds) / 60);
    return (seconds < 0 ? "−" : "") + minutes + ":" + String(Math.abs(seconds) % 60).padStart(2, "0");
  }

  // A moment's name in addresses: trace/turn, and /rN in a further repeat.
  function momentId(trace, turn, repeat) {
    return trace.id + "/" + turn + (repeat ? "/r" + repeat : "");
  }

  function momentOf(hash, task) {
    let id = "";
    try { id = decodeURIComponent(hash.slice(1)); } catch { return null; }
    const parts = /^(.+)\/(\d+)(?:\/r(\d+))?$/.exec(id);
    const trace = parts && task.traces.find((one) => one.id === parts[1]);
    return trace && Number(parts[2]) < trace.events.length ? { id, repeat: Number(parts[3] || 0) } : null;
  }

  function verdictLine(verdict) {
    const [, status, reason, member, probability] = verdict;
    const parts = [element("span", { class: "badge badge-" + status }, status), " "];
    if (member) parts.push(element("span", { class: "quiet" }, "by " + member + (probability === null ? "" : ", p " + probability.toFixed(2))), " ");
    if (reason) parts.push(element("span", {}, reason));
    return element("p", { class: "verdict" }, ...parts);
  }

  // Outcomes and verdicts of a moment stand in the order of the run's judges.
  function letter(moment, run, judge) {
    const found = moment ? moment.outcomes[run.judges.indexOf(judge)] : ".";
    return OUTCOMES[found] ? found : ".";
  }

  function answer(run, judge, moment) {
    const verdicts = moment.verdicts[run.judges.indexOf(judge)] || [];
    const [label, tone, sign] = OUTCOMES[letter(moment, run, judge)];
    const body = [element("p", { class: "outcome tone-" + tone }, element("span", { "aria-hidden": "true" }, sign + " "), label)];
    moment.proposals.forEach((proposal, candidate) => {
      body.push(element("blockquote", {}, proposal));
      for (const verdict of verdicts.filter((one) => one[0] === candidate)) body.push(verdictLine(verdict));
    });
    if (!moment.proposals.length) {
      if (moment.status !== "silent") body.push(element("p", { class: "quiet" }, "reply " + moment.status + ", counted as silence"));
      for (const verdict of verdicts) body.push(verdictLine(verdict));
    }
    if (moment.notes.length) body.push(element("p", { class: "quiet" }, moment.notes.map((note) => NOTES[note] || note.replaceAll("_", " ")).join("; ")));
    return element("div", { class: "answer" }, run.only ? null : element("p", { class: "who" }, run.name), ...body);
  }

  // A trace on one line of time: boundaries of activity, need by each rule (side by side: one episode), people's votes,
  // and what each run offered. `small` leaves out the votes.
  const CELL = 18, ROW = 20, HEAD = 132;
  const VOTES = [["accept", "good"], ["reject", "bad"], ["not yet", "warn"]];

  function strip(trace, runs, state, small) {
    const count = trace.events.length, rows = [];
    const at = (turn) => HEAD + turn * CELL;
    if ((trace.changes || []).some(Boolean)) rows.push(["boundaries", ROW, (y) => trace.changes.map((why, turn) => why
      ? drawn("path", { class: "change", d: `M${at(turn) + 1.5} ${y + 2}V${y + ROW - 2}` }, title(trace, turn, "boundary: " + why)) : null)]);
    for (const [rule, need] of Object.entries(trace.needs || {})) {
      rows.push(["need, " + rule, ROW, (y) => [
        ...[...need.matchAll(/1+/g)].map((found) => drawn("rect", { class: "need", x: at(found.index) + 1, y: y + 4, width: found[0].length * CELL - 2, height: ROW - 8, rx: 3 },
          title(trace, found.index, "an episode of need of " + found[0].length + (found[0].length === 1 ? " moment" : " moments") + ", " + rule + " rule"))),
        ...[...need].map((one, turn) => one === "0" ? drawn("circle", { class: "free", cx: at(turn) + CELL / 2, cy: y + ROW / 2, r: 1.2 }) : null)]]);
    }
    if (!small) for (const [name, votes] of [["votes", trace.votes], ["asked: help now?", trace.asked]]) {
      if (votes) rows.push([name, 2 * ROW, (y) => tally(trace, votes, y, at, name === "votes" ? VOTES : [["yes", "good"], ["no", "bad"]])]);
    }
    runs.forEach((run, index) => rows.push([run.only ? "offers" : run.name, ROW, (y) => {
      const moments = new Map((run.moments[trace.id] || []).filter((one) => one.repeat === state.repeat).map((one) => [one.turn, one]));
      return trace.events.map((_, turn) => offer(trace, turn, letter(moments.get(turn), run, state.judge[index]), at(turn) + CELL / 2, y + ROW / 2, state));
    }]));
    let y = 0;
    const parts = [], ticks = [];
    for (const [name, height, draw] of rows) {
      const label = name.length > 19 ? name.slice(0, 18) + "…" : name;
      parts.push(drawn("text", { class: "row", x: 0, y: y + height / 2 + 4 }, label, name === label ? null : drawn("title", {}, name)), ...draw(y).filter(Boolean));
      y += height;
    }
    for (let turn = 0; turn < count; turn += 5) ticks.push(drawn("text", { class: "tick", x: at(turn) + CELL / 2, y: y + 13, "text-anchor": "middle" }, String(turn)),
      drawn("path", { class: "fifth", d: `M${at(turn) + 0.5} 0V${y}` }));
    const width = at(count) + 4;
    const svg = drawn("svg", { class: count <= 24 ? "strip short" : "strip", role: "group", width, height: y + 18, viewBox: `0 0 ${width} ${y + 18}`, "aria-label": "Timeline of " + trace.id }, ...ticks, ...parts);
    return element("div", { class: "strip-scroller", tabindex: "0", role: "region", "aria-label": "Timeline of " + trace.id }, svg);
  }

  function title(trace, turn, said) {
    return drawn("title", {}, "turn " + turn + " (" + clock(trace, turn) + "): " + said);
  }

  // Votes as bars: those that accept above the line, the others below, as high as they are many among all at a moment.
  function tally(trace, votes, y, at, words) {
    const most = Math.max(1, ...votes.map((one) => Math.max(one[0], one[1] + one[2]))), half = ROW - 2, middle = y + ROW;
    return [drawn("path", { class: "base", d: `M${at(0)} ${middle}H${at(votes.length)}` }),
      ...votes.map((found, turn) => {
        const [up, down, early] = found.map((number) => number / most * half);
        if (!found.some(Boolean)) return null;
        const bar = (tone, top, height) => height ? drawn("rect", { class: "vote tone-" + tone, x: at(turn) + 4, y: top, width: CELL - 8, height }) : null;
        return drawn("g", {}, bar("good", middle - up, up), bar("bad", middle, down), bar("warn", middle + down, early),
          title(trace, turn, words.map(([word], place) => found[place] + " " + word).join(", ")));
      })];
  }

  // A moment's outcome: a disc for an offer, a dot for a silence, with the sign that the list below has; it leads there.
  function offer(trace, turn, code, x, y, state) {
    const [label, tone, sign] = OUTCOMES[code], speaks = "ARU?".includes(code);
    const id = momentId(trace, turn, state.repeat);
    const mark = speaks ? [drawn("circle", { class: "said tone-" + tone, cx: x, cy: y, r: 7.5 }), drawn("text", { class: "sign", x, y: y + 4, "text-anchor": "middle" }, sign)]
      : [drawn("circle", { class: "hit", cx: x, cy: y, r: 8 }), drawn("circle", { class: "kept tone-" + tone, cx: x, cy: y, r: code === "r" ? 3.2 : 1.8 })];
    return drawn("a", { href: "#" + id.split("/").map(encodeURIComponent).join("/"), "aria-label": "turn " + turn + ": " + label }, ...mark, title(trace, turn, label));
  }

  // A stretch of events with the moments they lead to, one column per run.
  function timeline(trace, runs, state) {
    const list = element("ol", { class: "moments" });
    for (let turn = 0; turn < trace.events.length; turn++) {
      const found = runs.map((run) => (run.moments[trace.id] || []).find((m) => m.turn === turn && m.repeat === state.repeat));
      if (!found.some((moment, index) => moment && fits(moment, runs[index], trace.events[turn][1], state))) continue;
      if (state.differing && letter(found[0], runs[0], state.judge[0]) === letter(found[1], runs[1], state.judge[1])) continue;
      const id = momentId(trace, turn, state.repeat);
      const link = "#" + id.split("/").map(encodeURIComponent).join("/");
      list.append(element("li", { id, tabindex: "-1", class: id === state.aimed ? "aimed" : null },
        (trace.changes || [])[turn] ? element("p", { class: "changes" }, "boundary: " + trace.changes[turn]) : null,
        element("p", { class: "event" },
          element("a", { href: link, class: "when", "aria-label": "Link to " + trace.id + " turn " + turn }, clock(trace, turn)),
          " ", trace.events[turn][1],
          place.dataset.compare ? element("a", { href: place.dataset.compare + link, class: "beside", "aria-label": "Another entry at " + trace.id + " turn " + turn }, "side by side") : null),
        said(trace, turn),
        element("div", { class: "answers answers-" + runs.length },
          ...found.map((moment, index) => moment ? answer(runs[index], state.judge[index], moment) : element("p", { class: "quiet" }, "not answered")))));
    }
    if (!list.childElementCount) return null;
    return element("section", {}, element("h3", {}, trace.id + " ", element("span", { class: "quiet" }, trace.split)), strip(trace, runs, state, false), list);
  }

  // What people said at a moment, where they did.
  function said(trace, turn) {
    const rules = Object.entries(trace.needs || {}).filter(([, need]) => need[turn] !== "-").map(([rule, need]) => (need[turn] === "1" ? "need" : "no need") + " (" + rule + ")");
    const votes = trace.votes ? VOTES.map(([word], place) => [trace.votes[turn][place], word]).filter(([number]) => number).map((one) => one.join(" ")) : [];
    const asked = trace.asked && (trace.asked[turn][0] || trace.asked[turn][1]) ? ["asked: " + trace.asked[turn][0] + " yes, " + trace.asked[turn][1] + " no"] : [];
    const parts = [rules.join(", "), votes.length ? "votes on stored offers: " + votes.join(", ") : "", ...asked].filter(Boolean);
    return parts.length ? element("p", { class: "people" }, parts.join(" · ")) : null;
  }

  function fits(moment, run, event, state) {
    if (state.outcome && !state.outcome.split(" ").includes(letter(moment, run, state.judge[0])) && state.outcome !== moment.status) return false;
    if (!state.words.length) return true;
    const text = (event + " " + moment.proposals.join(" ")).toLowerCase();
    return state.words.every((word) => text.includes(word));
  }

  // What the signs of a timeline mean.
  function key(task) {
    const labelled = task.traces.some((trace) => trace.needs), said = [];
    if (labelled) said.push("bars: episodes of need, by each rule");
    if (task.traces.some((trace) => (trace.changes || []).some(Boolean))) said.push("upright lines: boundaries of activity (another application, site or file, or a long gap)");
    said.push("discs: offers, ✓ accepted, ✗ rejected, ? unscored", "dots: silences, the large ones where help was missed");
    if (task.traces.some((trace) => trace.votes)) said.push("votes above the line accept, below it reject or say “not yet”");
    return element("p", { class: "note" }, said.join(" · "));
  }

  function chooser(label, options, onChange) {
    const select = element("select", {}, ...options.map(([value, text]) => element("option", { value }, text)));
    select.addEventListener("change", () => onChange(select.value));
    return element("label", {}, label, select);
  }

  function show(data) {
    const { tasks, runs } = data;
    place.replaceChildren();
    const task = runs.length ? tasks[runs[0].task] : null;
    if (!task || runs.some((run) => run.task !== runs[0].task)) {
      place.append(element("p", {}, runs.length ? "These runs are about different data: there is no common moment." : "Choose entries to see their traces."));
      return;
    }
    if (runs.length === 1) runs[0].only = true;
    const judges = [...new Set(runs.flatMap((run) => run.judges))];
    const state = { trace: "", outcome: "", words: [], differing: false, repeat: 0, aimed: "", judge: runs.map((run) => run.judges[0]) };
    const status = element("p", { role: "status", class: "quiet" });
    const overview = element("details", { class: "overview" }, element("summary", {}, "All traces, small"));
    const body = element("div", {});
    const search = element("input", { type: "search" });
    search.addEventListener("input", () => { state.words = search.value.toLowerCase().split(/\s+/).filter(Boolean); draw(); });
    const repeats = Math.max(...runs.map((run) => run.repeats));
    const traceChoice = chooser("Trace", [["", "all"], ...task.traces.map((trace) => [trace.id, trace.id])], (value) => { state.trace = value; draw(); });
    const outcomeChoice = chooser("Outcome", [["", "all"], ["A R U", "offers"], ["a r u -", "silences"],
      ...Object.entries(OUTCOMES).map(([letter, [label]]) => [letter, label]),
      ...["unparsable", "truncated", "empty", "refused"].map((word) => [word, "reply " + word])], (value) => { state.outcome = value; draw(); });
    const repeatChoice = chooser("Repeat", Array.from({ length: repeats }, (_, n) => [String(n), String(n)]), (value) => { state.repeat = Number(value); draw(); });
    const judgeChoice = chooser("Judge", judges.map((judge) => [judge, judge]), (value) => { state.judge = runs.map((run) => run.judges.includes(value) ? value : run.judges[0]); draw(); });
    const differing = element("input", { type: "checkbox" });
    differing.addEventListener("change", () => { state.differing = differing.checked; draw(); });
    const tools = element("div", { class: "tools", role: "group", "aria-label": "Which moments" },
      element("label", {}, "Text", search), traceChoice, outcomeChoice, repeats > 1 ? repeatChoice : null, judges.length > 1 ? judgeChoice : null,
      runs.length > 1 ? element("label", { class: "tick" }, differing, "only where the outcomes differ") : null);
    // Drawn when it is opened: there may be many traces.
    function survey() {
      const shown = overview.open ? task.traces.filter((trace) => runs.some((run) => run.moments[trace.id])) : [];
      overview.replaceChildren(overview.firstChild, ...(overview.open ? [key(task)] : []), element("div", { class: "strips" },
        ...shown.map((trace) => element("section", {}, element("p", { class: "quiet" }, trace.id + ", " + trace.split), strip(trace, runs, state, true)))));
    }
    overview.addEventListener("toggle", survey);
    function draw() {
      const sections = task.traces.filter((trace) => !state.trace || trace.id === state.trace)
        .map((trace) => timeline(trace, runs, state)).filter(Boolean);
      body.replaceChildren(...sections);
      survey();
      const shown = body.querySelectorAll("li").length;
      status.textContent = shown + (shown === 1 ? " moment" : " moments");
    }
    function showAll() {
      Object.assign(state, { trace: "", outcome: "", words: [], differing: false });
      for (const choice of [traceChoice, outcomeChoice]) choice.querySelector("select").value = "";
      search.value = "";
      differing.checked = false;
    }
    // The moment that the address names: no filter may hide it.
    function aim() {
      const goal = momentOf(location.hash, task);
      if (!goal) return;
      state.aimed = goal.id;
      if (goal.repeat < repeats) state.repeat = goal.repeat;
      repeatChoice.querySelector("select").value = String(state.repeat);
      draw();
      if (!document.getElementById(goal.id)) { showAll(); draw(); }
      const found = document.getElementById(goal.id);
      if (found) { found.focus({ preventScroll: true }); found.scrollIntoView(); }
    }
    const textless = task.traces.every((trace) => trace.events.every(([, text]) => !text));
    if (textless) place.append(element("p", { class: "note" }, "This site shows no texts of the events: they belong to the benchmark. A moment is named by its turn, counted from 0."));
    place.append(overview, tools, status, body);
    draw();
    aim();
    addEventListener("hashchange", aim);
  }

  // A long list of options gets a text field that shortens it; the chosen one stays.
  function shorten(select) {
    const options = Array.from(select.options);
    if (options.length <= MANY) return;
    const search = element("input", { type: "search", "aria-label": "Find the " + select.parentElement.firstChild.textContent.trim().toLowerCase(), placeholder: "find" });
    search.addEventListener("input", () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const chosen = select.value;
      select.replaceChildren(...options.filter((option) => !option.value || option.value === chosen || words.every((word) => option.text.toLowerCase().includes(word))));
      select.value = chosen;
    });
    select.parentElement.before(search);
  }

  // The page for two entries loads their data files; only keys that the page itself lists are ever asked for.
  function chooseTwo(list) {
    const known = new Map(Array.from(list.querySelectorAll("option"), (option) => [option.value, option.dataset]));
    const asked = new URLSearchParams(location.search);
    const selects = Array.from(document.querySelectorAll("select[data-run]"));
    selects.forEach((select, index) => {
      const wanted = asked.get("ab"[index]);
      if (known.has(wanted)) select.value = wanted;
      select.addEventListener("change", () => {
        const query = new URLSearchParams(selects.map((one, place) => ["ab"[place], one.value]));
        location.search = query.toString();
      });
    });
    selects.forEach((select, index) => { // what is about other data has no moment in common
      const other = known.get(selects[1 - index].value);
      for (const option of select.options) option.disabled = Boolean(other.task && option.value && option.dataset.task !== other.task && !option.selected);
      shorten(select);
    });
    const keys = selects.map((select) => select.value).filter((key) => key && known.has(key));
    const files = new Set(keys.flatMap((key) => [known.get(key).task, known.get(key).file]));
    Promise.all(Array.from(files, (file) => new Promise((done) => {
      const script = element("script", { src: file });
      script.onload = script.onerror = done;
      document.head.append(script);
    }))).then(() => {
      const { tasks, runs } = collected();
      show({ tasks, runs: keys.map((key) => runs.find((run) => run.key === key)).filter(Boolean).map((run) => ({ ...run })) });
    });
  }

  const list = document.querySelector("select[data-run]");
  if (list) chooseTwo(list); else show(collected());
})();
