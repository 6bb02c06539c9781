// Times as people wrote them, and the events so far as a list with its gaps.
const timeline = (function () {
  const GAP = 120; // seconds between two events from which the gap is said
  const LONG = 700; // characters from which an earlier event is cut, until asked for
  const DAY = 86400;

  // Seconds of a time, from anywhere: Unix seconds or milliseconds, "Day 1, 11:00 PM", "14:05:30", an ISO date. Null
  // where it is none of these: then it is shown as it stands, and no gap is said.
  function seconds(text) {
    const plain = text.trim();
    if (/^\d+(\.\d+)?$/.test(plain)) {
      const number = Number(plain);
      return number > 1e11 ? number / 1000 : number;
    }
    const said = /^(?:day\s+(\d+)\s*[,:]?\s*)?(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?\s*([ap])?\.?(?:m\.?)?$/i.exec(plain);
    if (said) {
      const [, day, hour, minute, second, half] = said;
      const hours = half ? (Number(hour) % 12) + (half.toLowerCase() === "p" ? 12 : 0) : Number(hour);
      return (Number(day || 1) - 1) * DAY + hours * 3600 + Number(minute) * 60 + Number(second || 0);
    }
    const date = /^\d{4}-\d{2}-\d{2}/.test(plain) ? Date.parse(plain.replace(" ", "T")) : NaN;
    return Number.isNaN(date) ? null : date / 1000;
  }

  // 65 → "1:05", 3725 → "1:02:05".
  function clock(since) {
    const whole = Math.max(0, Math.round(since));
    const two = (number) => String(number).padStart(2, "0");
    const hours = Math.floor(whole / 3600);
    const rest = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
    return hours ? `${hours}:${rest}` : rest.replace(/^0/, "");
  }

  // A length of time in the reader's language: "12 min", "3 hr", "2 days".
  function span(length, language) {
    const [unit, size] = [["day", DAY], ["hour", 3600], ["minute", 60], ["second", 1]].find(
      ([name, one]) => length >= one * (name === "day" ? 1.5 : 1),
    ) || ["second", 1];
    const digits = unit === "hour" && length < 3 * 3600 ? 1 : 0;
    const how = { style: "unit", unit, unitDisplay: unit === "day" ? "long" : "short", maximumFractionDigits: digits };
    return new Intl.NumberFormat(language, how).format(length / size);
  }

  function element(tag, name, text) {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  // A text as a paragraph; where it is longer than `most`, the beginning of it and a button that shows all.
  function cut(text, most, words) {
    const whole = element("p", "event", text);
    whole.lang = "";
    if (text.length <= most) return [whole];
    const more = element("button", "more", words("more"));
    more.type = "button";
    const show = (open) => {
      whole.textContent = open ? text : text.slice(0, most).trimEnd() + "…";
      more.textContent = words(open ? "less" : "more");
      more.setAttribute("aria-expanded", String(open));
    };
    more.addEventListener("click", () => show(more.getAttribute("aria-expanded") !== "true"));
    show(false);
    return [whole, more];
  }

  // Lay `events` out in `list`, the newest last and marked; those from `fresh` on came since the last question.
  function draw(list, events, { words, language, fresh }) {
    const times = events.map((event) => seconds(event.time));
    const unix = events.map((event) => /^\s*\d+(\.\d+)?\s*$/.test(event.time) || /^\s*\d{4}-/.test(event.time));
    const lines = [];
    events.forEach((event, at) => {
      const gap = at && times[at] !== null && times[at - 1] !== null ? times[at] - times[at - 1] : 0;
      if (gap >= GAP) {
        lines.push(element("li", gap >= 3600 ? "gap long" : "gap", words("later", { span: span(gap, language) })));
      }
      if (at && at === fresh) lines.push(element("li", "since", words("since")));
      const last = at === events.length - 1;
      const line = element("li", last ? "moment newest" : "moment");
      const relative = unix[at] && unix[0] && times[at] !== null && times[0] !== null;
      const time = element("p", "time", relative ? clock(times[at] - times[0]) : event.time);
      if (last) {
        line.setAttribute("aria-current", "step");
        time.append(" ", element("span", "now", words("now")));
      }
      const text = cut(event.event, last ? Infinity : LONG, words);
      if (last) text[0].id = "newest";
      line.append(time, ...text);
      lines.push(line);
    });
    list.replaceChildren(...lines);
  }

  return { draw, seconds, span, element };
})();
