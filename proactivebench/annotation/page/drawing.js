// What is on the screen, drawn from what the page knows; nothing is decided here.
const $ = (id) => document.getElementById(id);

// What is asked at a showing: its need, then its offers, each with what was said to it.
const asking = {
  NEED: [["yes", "y"], ["no", "n"], ["unsure", "u"]],
  OFFER: [["accept", "a"], ["reject", "r"], ["premature", "l"], ["unsure", "u"]],
  questions(showing) {
    const { need, need_reason, offers } = showing.said;
    const asked = (showing.offers || []).map((offer, at) => ({ offer, at, said: offers[offer.offer_id] || null }));
    const first = { offer: null, said: need && { answer: need, reason: need_reason } };
    return showing.ask_need ? [first, ...asked] : asked;
  },
  choices: (question) => (question.offer ? asking.OFFER : asking.NEED),
  firstOpen: (showing) => asking.questions(showing).findIndex((question) => !question.said),
  lastSaid: (showing) => asking.questions(showing).reduce((found, { said }, at) => (said ? at : found), -1),
};

// `app` is the page's state (see app.js), `chosen` is called with the answer on a button that was pressed.
function makeScreen(app, mailed, chosen) {
  const { element } = timeline;
  const VIEWS = ["message", "instructions", "item", "done"];
  const TOO_SOON = 250; // milliseconds in which a click still means the button that was there before
  let drawn = 0;

  // Say something in the line for it, or, where it stands on the screen already, to a screen reader alone.
  function say(text, { unseen = false } = {}) {
    $("said").textContent = text;
    $("said").classList.toggle("long", text.length > 16);
    $("said").classList.toggle("unseen", unseen);
  }

  function draw({ focus = true } = {}) {
    for (const name of VIEWS) $(`view-${name}`).hidden = name !== app.view;
    document.body.dataset.view = app.view;
    $("save").hidden = !mailed || app.view === "message" || app.view === "instructions";
    $("pause").hidden = app.view !== "item";
    for (const one of document.querySelectorAll(".mailed")) one.hidden = !mailed;
    drawProgress();
    const head = { message: drawMessage, instructions: drawInstructions, item: drawItem, done: drawDone }[app.view]();
    drawn = performance.now();
    if (focus) head.focus({ preventScroll: true });
  }

  function drawProgress() {
    const { state, showing, view } = app;
    const known = state !== null && (view === "item" || view === "done");
    $("job").textContent = state ? state.job : "";
    $("progress").hidden = !known;
    if (!known) return;
    const at = showing ? showing.index : state.total;
    $("meter").max = state.total;
    $("meter").value = state.position;
    const counted = language.say("progress", { n: Math.min(at + 1, state.total), of: state.total });
    $("counted").replaceChildren(element("span", "", counted));
    if (state.minutes_left !== null && view === "item") {
      const span = timeline.span(60 * Math.max(1, Math.round(state.minutes_left)), language.now);
      $("counted").append(element("span", "left", language.say("minutes_left", { span })));
    }
    document.title = `${counted} – ${state.job}`;
  }

  function drawMessage() {
    $("message-title").textContent = language.say(app.message.title);
    $("message-text").textContent = app.message.text ? language.say(app.message.text) : "";
    return $("message-title");
  }

  function drawInstructions() {
    const texts = app.state.instructions;
    const written = [language.now, "en", ...Object.keys(texts)].find((one) => one in texts);
    $("instructions").lang = written;
    $("instructions").replaceChildren(...safeNodes(texts[written]));
    $("consent").firstElementChild.textContent = language.say(app.state.consented ? "back_to_items" : "consent");
    return $("instructions-title");
  }

  // The instructions come as HTML without scripts; only plain elements are taken over all the same.
  function safeNodes(html) {
    const plain = "P H1 H2 H3 H4 H5 H6 UL OL LI STRONG EM CODE PRE BLOCKQUOTE BR HR TABLE THEAD TBODY TR TH TD";
    const copy = (node) => {
      if (node.nodeType === Node.TEXT_NODE) return [document.createTextNode(node.data)];
      if (node.nodeType !== Node.ELEMENT_NODE) return [];
      const inside = [...node.childNodes].flatMap(copy);
      const link = node.tagName === "A" && /^(https?:|mailto:)/.test(node.getAttribute("href") || "");
      if (!link && !plain.split(" ").includes(node.tagName)) return inside;
      const heading = /^H([1-6])$/.exec(node.tagName); // below the page's own
      const made = element(heading ? `h${Math.min(6, Number(heading[1]) + 2)}` : node.tagName.toLowerCase());
      if (link) Object.assign(made, { href: node.getAttribute("href"), target: "_blank", rel: "noopener noreferrer" });
      made.append(...inside);
      return [made];
    };
    return [...new DOMParser().parseFromString(html, "text/html").body.childNodes].flatMap(copy);
  }

  function drawItem() {
    const { showing, teaching } = app;
    const asked = asking.questions(showing);
    const current = asked[app.question];
    const live = app.isLive();
    const how = { words: language.say, language: language.now, fresh: live ? app.fresh : 0 };
    timeline.draw($("timeline"), showing.events, how);
    drawTags(live);
    drawOffer(current);
    for (const id of ["question", "answers", "reason-part"]) $(id).hidden = teaching;
    $("question").textContent = language.say(current.offer ? "ask_offer" : "ask_need");
    drawAnswers(asking.choices(current), current.said);
    openReason($("reason").value !== "" || document.activeElement === $("reason"));
    drawSoFar(asked, live);
    drawTaught();
    $("undo").hidden = !live && !teaching;
    $("undo").disabled = showing.index === 0 && asking.lastSaid(showing) < 0;
    $("earlier").disabled = showing.index === 0 && app.question === 0 && !teaching;
    $("later").hidden = $("to-now").hidden = live || teaching;
    showNewest();
    $("panel").scrollTop = 0;
    return teaching ? $("taught-title") : $("question");
  }

  function showNewest() {
    const newest = $("timeline").querySelector(".newest");
    if (newest) $("past").scrollTop = newest.offsetTop - 12;
  }

  function drawOffer({ offer, at }) {
    const of = (app.showing.offers || []).length;
    $("offer").hidden = !offer || app.teaching;
    $("offer-title").textContent = offer ? language.say(of > 1 ? "offers_n" : "offers", { n: at + 1, of }) : "";
    $("offer-text").textContent = offer ? offer.text : "";
  }

  function drawTags(live) {
    const { showing } = app;
    const tags = [];
    if (showing.practice) tags.push(element("span", "tag practice", language.say("practice")));
    else tags.push(element("span", "tag", language.say("session", { n: showing.session })));
    if (!live && !app.teaching) tags.push(element("span", "tag back", language.say("looking_back")));
    if (app.notice) tags.push(element("span", "notice", app.notice));
    $("tags").replaceChildren(...tags);
  }

  function drawAnswers(choices, said) {
    const buttons = choices.map(([word, key]) => {
      const button = element("button", "answer with-key");
      button.type = "button";
      button.dataset.answer = word;
      button.setAttribute("aria-pressed", String(Boolean(said) && said.answer === word));
      button.setAttribute("aria-keyshortcuts", key);
      button.append(element("span", "", language.say(word)), element("kbd", "", key));
      button.addEventListener("click", (event) => {
        if (event.detail && performance.now() - drawn < TOO_SOON) return;
        chosen(word);
      });
      return button;
    });
    $("answers").replaceChildren(...buttons);
  }

  function mark(word) {
    for (const button of $("answers").children) {
      button.setAttribute("aria-pressed", String(button.dataset.answer === word));
    }
  }

  function openReason(shown) {
    $("reason-field").hidden = !shown;
    $("add-reason").hidden = shown;
    $("add-reason").setAttribute("aria-expanded", String(shown));
  }

  const nameOf = (offer) => (offer ? offer.text : language.say("need_short"));

  function line(list, name, ...about) {
    const meaning = element("dd");
    meaning.append(...about);
    const term = element("dt", "", name);
    term.lang = "";
    list.push(term, meaning);
  }

  function drawSoFar(asked, live) {
    const lines = [];
    asked.forEach(({ offer, said }, at) => {
      if (said && at !== app.question) line(lines, nameOf(offer), language.say(said.answer));
    });
    $("so-far").hidden = !lines.length || app.teaching || !live;
    $("so-far-answers").replaceChildren(...lines);
  }

  function drawTaught() {
    const { taught } = app.showing;
    $("taught").hidden = !taught;
    $("continue").hidden = !app.teaching;
    if (!taught) return;
    const lines = [];
    for (const { offer, said } of asking.questions(app.showing)) {
      const known = offer ? taught.offers[offer.offer_id] : taught.need;
      if (!known) continue;
      const same = said && said.answer === known;
      const yours = same ? language.say("same") : language.say("different", { answer: said ? language.say(said.answer) : "–" });
      const theirs = element("strong", "", language.say(known));
      line(lines, nameOf(offer), theirs, element("span", same ? "same" : "differs", yours));
    }
    $("taught-answers").replaceChildren(...lines);
    $("taught-why").textContent = taught.why || "";
  }

  function drawDone() {
    $("done-text").textContent = language.say(mailed ? "done_how_mailed" : "done_how");
    $("done-save").hidden = !mailed;
    return $("done-title");
  }

  new ResizeObserver(showNewest).observe($("past")); // a keyboard, or a reason, takes some of a small screen
  return { draw, mark, openReason, say };
}
