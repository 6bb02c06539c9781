// The page itself: what is on the screen, the keys, and the way through the items.
(function () {
  const backend = data.mail ? mailedBackend(data.mail) : servedBackend();

  // `question` counts within the showing; `teaching`: its answers are in and what its makers say is shown; `seen` is how
  // much of which session was on the screen before; `elapsed` the seconds each showing was on the screen; `drafts` the
  // reasons written but not yet sent, by showing and question; `pending` an answer not yet known to be written down;
  // `wake` ends the wait before the next try.
  const app = {
    state: null, showing: null, question: 0, view: "message", message: { title: "loading" }, teaching: false,
    notice: "", fresh: 0, seen: null, elapsed: new Map(), drafts: new Map(), pending: null, busy: false,
    wake: () => {},
    isLive: () =>
      app.showing !== null && app.showing.index === app.state.position && app.question === asking.firstOpen(app.showing),
  };
  const screen = makeScreen(app, backend.mailed, answer);

  // --- sending, and trying again -----------------------------------------------------------------------------------

  function trouble(text) {
    $("trouble").hidden = !text;
    $("trouble-text").textContent = text || "";
  }

  function why(refusal) {
    if (refusal.status === 507 && backend.mailed) return language.say("browser_full");
    if (refusal.status === 0) return language.say("no_server");
    return language.say("not_written", { why: refusal.message || refusal.status });
  }

  const rest = (milliseconds) =>
    new Promise((resolve) => {
      app.wake = resolve;
      setTimeout(resolve, milliseconds);
    });

  // The call's answer, tried again for as long as nobody answers or nothing can be written.
  async function patient(call) {
    for (let wait = 500, failed = false; ; wait = Math.min(2 * wait, 8000)) {
      try {
        const found = await call();
        if (failed) screen.say(language.say("saved_again"));
        trouble(null);
        return found;
      } catch (error) {
        if (!(error instanceof Refusal) || !error.again) {
          trouble(null);
          throw error;
        }
        failed = true;
        trouble(why(error));
        await rest(wait);
      }
    }
  }

  const unsent = () => `unsent:${app.state.job}:${app.state.annotator}`;

  // Send a vote until it is written down. It is kept in this browser meanwhile, and a later word on the same question,
  // said while the first is waiting, takes its place.
  async function send(vote) {
    app.pending = vote;
    try {
      memory.remember(unsent(), JSON.stringify(vote));
      for (;;) {
        let sent;
        const reply = await patient(() => {
          sent = app.pending;
          return backend.vote(sent);
        });
        if (app.pending === sent) return [sent, reply];
      }
    } finally {
      app.pending = null;
      memory.remember(unsent(), null);
    }
  }

  // What a closed or reloaded window had not been able to send. What the server takes no more is let go.
  async function sendKept() {
    let kept = null;
    try {
      kept = JSON.parse(memory.recall(unsent()));
    } catch {
      memory.remember(unsent(), null);
    }
    if (!kept || !app.state.consented) return;
    await send(kept).catch((error) => {
      if (!(error instanceof Refusal)) throw error;
    });
  }

  function end(title, text) {
    app.showing = null;
    app.message = { title, text };
    for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
    go("message");
  }

  function go(view) {
    app.view = view;
    screen.draw();
  }

  // One thing at a time: what comes while another is on its way is let go.
  async function run(task) {
    if (app.busy) return;
    setBusy(true);
    try {
      await task().catch(async (error) => {
        if (!(error instanceof Refusal) || error.status !== 409) throw error;
        await advance(language.say("elsewhere"));
      });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.status === 404) end("link_unknown");
      else if (error.status === 410) end("link_gone");
      else {
        screen.draw({ focus: false });
        screen.say(language.say("refused", { why: error.message }));
      }
    } finally {
      setBusy(false);
    }
  }

  function setBusy(busy) {
    app.busy = busy;
    $("main").setAttribute("aria-busy", String(busy));
  }

  // --- the way through the items -----------------------------------------------------------------------------------

  const place = () => `${app.showing.index}.${app.question}`;

  function open(showing, question, teaching = false) {
    Object.assign(app, { showing, question, teaching });
    const { said } = asking.questions(showing)[question];
    $("reason").value = app.drafts.get(place()) ?? ((said && said.reason) || "");
    go("item");
  }

  // On to the first question without an answer, or to the end.
  async function advance(notice = "") {
    const before = app.showing;
    app.state = await patient(() => backend.state());
    if (!app.state.consented) return go("instructions");
    if (app.state.position >= app.state.total) {
      app.showing = null;
      return go("done");
    }
    const showing = await patient(() => backend.showing(app.state.position));
    const same = app.seen && app.seen.session === showing.session;
    app.fresh = same && app.seen.count < showing.events.length ? app.seen.count : same ? app.fresh : 0;
    app.notice = notice;
    if (before && before.practice && !showing.practice) app.notice = language.say("counts_now");
    else if (before && !same) app.notice = notice || language.say("new_session");
    app.seen = { session: showing.session, count: showing.events.length };
    open(showing, asking.firstOpen(showing));
    screen.say(app.notice, { unseen: true });
  }

  function answer(word) {
    if (!app.showing || app.teaching) return;
    const { offer } = asking.questions(app.showing)[app.question];
    const vote = {
      index: app.showing.index, offer_id: offer && offer.offer_id, answer: word,
      reason: (word && $("reason").value.trim()) || null, seconds: Math.round(elapsed() * 10) / 10,
    };
    if (app.pending) {
      if ($("trouble").hidden) return; // on its way: no key is meant for a question that is not there yet
      app.pending = vote;
      memory.remember(unsent(), JSON.stringify(vote));
      screen.mark(word);
      app.wake();
      return;
    }
    const live = app.isLive();
    run(async () => {
      screen.mark(word);
      const [sent, reply] = await send(vote);
      app.drafts.delete(place());
      app.state.position = reply.position;
      app.notice = "";
      if (sent.answer === null) {
        open(reply, asking.firstOpen(reply));
        screen.say(language.say("undone"));
        return;
      }
      if (live && reply.complete && !reply.practice) await advance();
      else if (live && reply.complete) open(reply, app.question, true);
      else open(reply, live ? asking.firstOpen(reply) : app.question);
      const said = language.say(live ? "saved" : "changed", { answer: language.say(sent.answer) });
      if (app.notice) screen.say(`${said}. ${app.notice}`, { unseen: true });
      else screen.say(said);
    });
  }

  // Take back the last answer: of this showing, or of the one before.
  function undo() {
    if (app.pending) return answer(null);
    if (app.view === "item" && !app.teaching && !app.isLive()) return;
    run(async () => {
      let showing = app.showing;
      let last = showing ? asking.lastSaid(showing) : -1;
      if (last < 0) {
        const index = showing ? showing.index - 1 : app.state.total - 1;
        if (index < 0) return screen.say(language.say("nothing_to_undo"));
        showing = await patient(() => backend.showing(index));
        last = asking.lastSaid(showing);
      }
      const { offer } = asking.questions(showing)[last];
      const [, reply] = await send({
        index: showing.index, offer_id: offer && offer.offer_id, answer: null, reason: null, seconds: null,
      });
      app.state.position = reply.position;
      app.notice = "";
      open(reply, asking.firstOpen(reply));
      screen.say(language.say("undone"));
    });
  }

  function earlier() {
    if (app.busy || (app.view !== "item" && app.view !== "done")) return;
    if (app.view === "item" && app.question > 0 && !app.teaching) return step(app.showing, app.question - 1);
    const index = app.view === "done" ? app.state.total - 1 : app.showing.index - 1;
    if (app.teaching) return step(app.showing, asking.questions(app.showing).length - 1);
    if (index < 0) return;
    run(async () => {
      const showing = await patient(() => backend.showing(index));
      step(showing, asking.questions(showing).length - 1);
    });
  }

  function later() {
    if (app.busy || app.view !== "item" || app.teaching || app.isLive()) return;
    if (app.question < asking.questions(app.showing).length - 1) return step(app.showing, app.question + 1);
    const index = app.showing.index + 1;
    run(async () => {
      if (index > app.state.position || index >= app.state.total) return advance();
      step(await patient(() => backend.showing(index)), 0);
    });
  }

  function step(showing, question) {
    app.fresh = 0;
    app.notice = "";
    open(showing, question);
  }

  function toNow() {
    if (app.view === "item" && !app.teaching && !app.isLive()) run(advance);
  }

  // --- the clock of one showing: it stands while nothing is looked at ----------------------------------------------

  const clock = { last: performance.now() };

  function elapsed() {
    tick();
    return app.elapsed.get(app.showing.index) || 0;
  }

  function tick() {
    const now = performance.now();
    const passed = Math.min((now - clock.last) / 1000, 3); // a closed laptop is no time spent
    clock.last = now;
    const watched = !document.hidden && !document.querySelector("dialog[open]");
    if (app.view !== "item" || app.teaching || !app.showing || !watched) return;
    app.elapsed.set(app.showing.index, (app.elapsed.get(app.showing.index) || 0) + passed);
  }

  // --- what else can be done ---------------------------------------------------------------------------------------

  function pause() {
    if (app.view !== "item") return;
    tick();
    $("paused").showModal();
  }

  function resume() {
    clock.last = performance.now();
    $("paused").close();
    $("question").focus({ preventScroll: true });
  }

  function save() {
    if (!backend.mailed || !app.state || app.view === "message") return;
    const link = timeline.element("a");
    link.href = URL.createObjectURL(new Blob([backend.lines()], { type: "application/jsonl" }));
    link.download = backend.file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    screen.say(language.say("votes_saved", { file: backend.file }));
  }

  // Enter agrees once the end of the text is on the screen; before that it turns the page.
  function readOn() {
    const [sheet, button] = [$("view-instructions"), $("consent")];
    if (button.getBoundingClientRect().bottom <= sheet.getBoundingClientRect().bottom) consent();
    else sheet.scrollBy(0, sheet.clientHeight * 0.8);
  }

  function consent() {
    if (app.view !== "instructions") return;
    run(async () => {
      if (!app.state.consented) await patient(() => backend.consent(app.state.instructions_sha256));
      await advance();
    });
  }

  function askToLeave() {
    $("help").close();
    $("leaving-how").textContent = language.say(backend.mailed ? "withdraw_how_mailed" : "withdraw_how", { job: app.state.job });
    $("leaving").showModal();
    $("stay").focus();
  }

  function leave() {
    $("leaving").close();
    run(async () => {
      await patient(() => backend.withdraw());
      memory.remember(unsent(), null);
      end("withdrawn", "withdrawn_how");
    });
  }

  // What another window of the same person has done meanwhile. What cannot be asked now is said when there is
  // something to send.
  async function lookElsewhere() {
    const settled = () =>
      !app.busy && (app.view === "done" || (app.view === "item" && app.isLive())) && !$("reason").value &&
      !document.hidden && !document.querySelector("dialog[open]");
    if (app.busy) setTimeout(lookElsewhere, 250);
    if (!settled()) return;
    const { position } = app.state;
    const question = app.question;
    let state, showing;
    try {
      state = await backend.state();
      if (state.position === position && app.showing) showing = await backend.showing(position);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.again) return;
    }
    const here = state && state.position === position && (!showing || asking.firstOpen(showing) === question);
    if (here) return;
    if (settled() && app.state.position === position && app.question === question) {
      run(() => advance(language.say("elsewhere")));
    } else if (app.busy) setTimeout(lookElsewhere, 250); // what was found may be old by now
  }

  function writeReason() {
    if (app.view !== "item" || app.teaching) return;
    screen.openReason(true);
    $("reason").focus();
  }

  // Back to the answers; where one stands already, its new reason is sent with it.
  function leaveReason() {
    const { said } = asking.questions(app.showing)[app.question];
    const written = $("reason").value.trim();
    if (!written) screen.openReason(false);
    $("question").focus({ preventScroll: true });
    if (said && (said.reason || "") !== written) answer(said.answer);
  }

  // --- keys --------------------------------------------------------------------------------------------------------

  // The letter on the key, also where the keyboard writes another script.
  function letterOf(event) {
    if (event.key === "?" || event.key === "？") return "?";
    if (/^[a-z0-9]$/i.test(event.key)) return event.key.toLowerCase();
    const place = /^Key([A-Z])$/.exec(event.code);
    return event.key.length === 1 && place ? place[1].toLowerCase() : event.key;
  }

  const KEYS = {
    e: writeReason, p: pause, "?": () => $("help").showModal(), s: save, z: undo, Backspace: undo, Escape: toNow,
    ArrowLeft: earlier, ArrowRight: later,
  };

  function inDialog(dialog, key) {
    if (dialog.id === "paused" && key === "p") resume();
    else if (dialog.id === "help" && key === "?") dialog.close();
    else return false;
    return true;
  }

  function inReason(event) {
    if (event.key !== "Escape" && (event.key !== "Enter" || event.shiftKey)) return false;
    leaveReason();
    return true;
  }

  function onItem(key) {
    if (app.view !== "item" || app.teaching) return false;
    const choices = asking.choices(asking.questions(app.showing)[app.question]);
    const chosen = choices.find(([, letter], at) => key === letter || key === String(at + 1));
    if (chosen) answer(chosen[0]);
    return Boolean(chosen);
  }

  function onEnter(target) {
    if (target.closest("button, a, summary")) return false;
    if (app.view === "instructions") readOn();
    else if (app.teaching) run(advance);
    else return false;
    return true;
  }

  function scroll(key, target) {
    const down = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (!down || app.view !== "item" || target.closest("#past")) return false;
    $("past").scrollBy(0, 80 * down);
    return true;
  }

  function handled(event) {
    const key = letterOf(event);
    const dialog = document.querySelector("dialog[open]");
    if (dialog) return inDialog(dialog, key);
    if (event.target === $("reason")) return inReason(event);
    if (event.target.tagName === "SELECT") return false;
    if (event.ctrlKey || event.metaKey) {
      if (key !== "z" || event.shiftKey || app.view !== "item") return false;
      undo();
      return true;
    }
    if (scroll(key, event.target)) return true;
    if (event.repeat) return false;
    if (key === "Enter") return onEnter(event.target);
    if (onItem(key)) return true;
    if (!(key in KEYS)) return false;
    KEYS[key]();
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    if (handled(event)) event.preventDefault();
  });

  const BUTTONS = {
    pause, resume, undo, earlier, later, consent, save, leave, "to-now": toNow, "add-reason": writeReason,
    continue: () => run(advance), "done-save": save, "done-back": earlier, retry: () => app.wake(),
    theme: () => theme.set(theme.isDark() ? "light" : "dark"), menu: () => $("help").showModal(),
    "help-close": () => $("help").close(), stay: () => $("leaving").close(), withdraw: askToLeave,
    "read-again": () => {
      $("help").close();
      go("instructions");
    },
  };
  for (const [id, act] of Object.entries(BUTTONS)) $(id).addEventListener("click", () => act());

  $("paused").addEventListener("cancel", (event) => {
    event.preventDefault();
    resume();
  });
  $("language").replaceChildren(...language.all.map((one) => {
    const choice = timeline.element("option", "", language.name(one));
    choice.value = choice.lang = one;
    return choice;
  }));
  $("language").value = language.now;
  $("language").addEventListener("change", (event) => {
    language.choose(event.target.value);
    screen.draw({ focus: false });
  });
  $("reason").addEventListener("input", (event) => app.drafts.set(place(), event.target.value));
  for (const name of ["focus", "storage"]) window.addEventListener(name, lookElsewhere);
  document.addEventListener("visibilitychange", () => {
    tick();
    lookElsewhere();
  });
  window.addEventListener("online", () => app.wake());
  window.addEventListener("beforeunload", (event) => {
    if (!backend.keeps && app.state && app.state.position) event.preventDefault();
  });
  setInterval(tick, 1000);

  theme.set(memory.recall("theme"));
  language.apply();
  screen.draw();
  run(async () => {
    app.state = await patient(() => backend.state());
    await sendKept();
    await advance();
    if (!backend.keeps) screen.say(language.say("cannot_keep"));
  });
})();
