// Where answers go: over the local server, or into this browser. Both give the same five calls.

class Refusal extends Error {
  // `status` 0: nobody answered. From 500 on, and 0: worth another try.
  constructor(status, why) {
    super(why);
    this.status = status;
  }
  get again() {
    return this.status === 0 || this.status >= 500;
  }
}

function servedBackend() {
  async function call(path, body) {
    const how = { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(20000) };
    if (body !== undefined) {
      Object.assign(how, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    }
    let response, found;
    try {
      response = await fetch(path, how);
      found = await response.json();
    } catch {
      throw new Refusal(response && response.status >= 400 ? response.status : 0, "");
    }
    if (!response.ok) throw new Refusal(response.status, String((found && found.error) || response.statusText));
    return found;
  }
  return {
    mailed: false,
    keeps: true,
    state: () => call("state"),
    showing: (index) => call(`showing/${index}`),
    vote: (vote) => call("vote", vote),
    consent: (instructions) => call("consent", { instructions }),
    withdraw: () => call("withdraw", {}),
  };
}

// The mailed page: what is asked stands in the page, what is said in the browser's store, one entry an answer, so that
// two windows of one person write beside each other.
function mailedBackend(mail) {
  const prefix = `pb:${mail.mailed.identity.slice(0, 16)}:${mail.mailed.annotator}:`; // a browser keeps 5 MB in all
  const store = browserStore();
  let said = new Map();
  let consented = null;

  function browserStore() {
    try {
      const kept = window.localStorage;
      kept.setItem(prefix + "try", "1");
      kept.removeItem(prefix + "try");
      return kept;
    } catch {
      return null;
    }
  }

  function read(text) {
    try {
      return JSON.parse(text);
    } catch {
      return null;
    }
  }

  // `said` holds what was answered by showing and question (0: the need, from 1: the offers in the order shown). `take`
  // an entry of the store, which another window may have written; null: it is gone.
  function take(key, text) {
    if (!key.startsWith(prefix)) return;
    const place = key.slice(prefix.length);
    const value = read(text);
    if (place === "consent") consented = value;
    else if (!/^\d+\.\d+$/.test(place)) return;
    else if (!Array.isArray(value) || !Number.isFinite(value[4])) said.delete(place);
    else {
      const [answer, reason, seconds, order, at] = value;
      said.set(place, { answer, reason, seconds, order, at: new Date(at).toISOString() });
    }
  }

  function load() {
    if (!store) return;
    said = new Map();
    consented = null;
    for (const key of Object.keys(store)) take(key, store.getItem(key));
  }

  function write(place, value) {
    if (!store) return;
    try {
      store.setItem(prefix + place, JSON.stringify(value));
    } catch {
      throw new Refusal(507, "");
    }
  }

  function keep(place, vote) {
    write(place, [vote.answer, vote.reason, vote.seconds, vote.order, Date.parse(vote.at)]);
    said.set(place, vote);
  }

  const answered = (index, question) => {
    const found = said.get(`${index}.${question}`);
    return found && found.answer !== null ? found : null;
  };
  const complete = (index) => {
    const item = mail.showings[index];
    return (!item.ask_need || answered(index, 0) !== null) && item.offers.every((_, at) => answered(index, at + 1));
  };
  const position = () => {
    let at = 0;
    while (at < mail.showings.length && complete(at)) at += 1;
    return at;
  };

  // Minutes left, by the middle of how long this person took so far; null before there is enough to say.
  function minutesLeft(at) {
    const taken = new Map();
    for (const [place, { seconds }] of said) {
      const index = place.split(".")[0];
      if (seconds !== null) taken.set(index, Math.max(seconds, taken.get(index) || 0));
    }
    const sorted = [...taken.values()].sort((one, other) => one - other);
    return sorted.length < 5 ? null : ((mail.showings.length - at) * sorted[Math.floor(sorted.length / 2)]) / 60;
  }

  function showing(index) {
    const item = mail.showings[index];
    if (index > position()) throw new Refusal(409, "");
    const open = !item.ask_need || answered(index, 0) !== null;
    const offers = {};
    item.offers.forEach((offer, at) => {
      const found = open && answered(index, at + 1);
      if (found) offers[offer.offer_id] = { answer: found.answer, reason: found.reason };
    });
    const need = answered(index, 0);
    const found = {
      index, total: mail.showings.length, practice: item.practice, session: item.session, ask_need: item.ask_need,
      events: mail.sessions[item.trace].slice(0, item.turn + 1), offers: open ? item.offers : null,
      said: { need: need && need.answer, need_reason: need && need.reason, offers }, complete: complete(index),
    };
    return item.taught && found.complete ? { ...found, taught: item.taught } : found;
  }

  async function vote({ index, offer_id, answer, reason, seconds }) {
    if (index > position()) throw new Refusal(409, "");
    const offers = mail.showings[index].offers;
    const place = `${index}.${offer_id === null ? 0 : offers.findIndex((offer) => offer.offer_id === offer_id) + 1}`;
    const before = said.get(place);
    if ((before ? before.answer : null) !== answer || (before && before.reason) !== reason) {
      const order = before ? before.order : said.size;
      keep(place, { answer, reason: answer === null ? null : reason, seconds, order, at: new Date().toISOString() });
    }
    return { ...showing(index), position: position() };
  }

  // The votes file: whose and of which job it is, the consent, and one line a vote in the order they were first given.
  function lines() {
    load();
    const annotator = mail.mailed.annotator;
    const votes = [...said].sort(([, one], [, other]) => one.order - other.order || (one.at < other.at ? -1 : 1));
    const found = [mail.mailed];
    if (consented) found.push({ kind: "consent", annotator, instructions: consented.instructions, at: consented.at });
    votes.forEach(([place, { answer, reason, seconds, at }], order) => {
      const [index, question] = place.split(".").map(Number);
      const { item_id, occasion, offers } = mail.showings[index];
      const offer_id = question ? offers[question - 1].offer_id : null;
      found.push({ kind: "vote", annotator, item_id, occasion, offer_id, answer, reason, at, order, seconds });
    });
    return found.map((line) => JSON.stringify(line) + "\n").join("");
  }

  load();
  window.addEventListener("storage", ({ key, newValue }) => (key === null ? load() : take(key, newValue)));
  return {
    mailed: true,
    keeps: store !== null,
    file: `${mail.mailed.annotator}.votes.jsonl`,
    lines,
    async state() {
      const at = position();
      const { annotator, job } = mail.mailed;
      return {
        job, annotator, total: mail.showings.length, position: at, instructions: mail.instructions,
        instructions_sha256: mail.instructions_sha256, minutes_left: minutesLeft(at),
        consented: Boolean(consented && consented.instructions === mail.instructions_sha256),
      };
    },
    showing: async (index) => showing(index),
    vote,
    async consent(instructions) {
      const agreed = { instructions, at: new Date().toISOString() };
      write("consent", agreed);
      consented = agreed;
      return {};
    },
    async withdraw() {
      load();
      for (const place of store ? [...said.keys(), "consent"] : []) store.removeItem(prefix + place);
      said.clear();
      consented = null;
      return {};
    },
  };
}
