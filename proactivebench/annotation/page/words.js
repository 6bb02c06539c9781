// What the page says, in the reader's language, and what this browser remembers of their choices.
const data = JSON.parse(document.getElementById("data").textContent);

const memory = {
  recall(name) {
    try {
      return window.localStorage.getItem(`proactivebench:${name}`);
    } catch {
      return null;
    }
  },
  remember(name, value) {
    try {
      if (value === null) window.localStorage.removeItem(`proactivebench:${name}`);
      else window.localStorage.setItem(`proactivebench:${name}`, value);
    } catch {
      // a browser that keeps nothing: the choice holds until the page is closed
    }
  },
};

const language = (function () {
  const all = Object.keys(data.texts);
  const liked = data.mail ? navigator.languages.flatMap((one) => [one, one.split("-")[0]]) : [];
  let chosen = [memory.recall("language"), ...liked, document.documentElement.lang].find((one) => all.includes(one));

  function say(key, values = {}) {
    return data.texts[chosen][key].replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
  }

  // Put every text of the page itself in the language chosen.
  function apply() {
    document.documentElement.lang = chosen;
    document.documentElement.dir = data.texts[chosen].direction;
    for (const one of document.querySelectorAll("[data-text]")) one.textContent = say(one.dataset.text);
    for (const one of document.querySelectorAll("[data-label]")) {
      one.setAttribute("aria-label", say(one.dataset.label));
      if (one.tagName === "BUTTON") one.title = say(one.dataset.label);
    }
  }

  function choose(one) {
    chosen = one;
    memory.remember("language", one);
    apply();
  }

  return { all, apply, choose, say, name: (one) => data.texts[one].language, get now() { return chosen; } };
})();

const theme = {
  isDark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
  },
  set(name) {
    if (name !== "light" && name !== "dark") return;
    document.documentElement.dataset.theme = name;
    memory.remember("theme", name);
  },
};
