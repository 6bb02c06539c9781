"""How many keys an annotation job takes, and how long, in a real browser at the pace of a reader.

python -m perf.keyboard --output_path perf/results/keyboard.md

Two runs on the built-in sample become a job of 60 items, served on loopback and answered by keyboard alone. Somebody
reads what is new on the screen (events since the last question, the offer) at `--words` a minute, thinks `--think`
seconds over each answer, and presses its key; what other paces come to is worked out from what was read and pressed.
Chromium and playwright are needed: the `browser` group.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

COMMAND = [sys.executable, "-m", "proactivebench"]
ANSWERS = "yyn", "aarrlr"  # to needs and to offers, in turn
PACES = ((240, 1.5), (350, 1.0), (450, 1.0), (600, 0.7))  # reading a text, and skimming it
DRAWN = """() => {
    const at = (id) => document.getElementById(id).textContent;
    return document.getElementById('main').ariaBusy === 'false' && [
        document.body.dataset.view, at('counted'), at('question'), at('offer-title'),
        document.getElementById('taught').hidden,
    ].join('|');
}"""


@dataclass(slots=True)
class Sitting:
    """What one sitting took: words read and answers given by showing, keys pressed, and the milliseconds from each key
    to the next question on the screen."""

    words: Counter[int] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    keys: int = 0
    waits: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def minutes(self, words_a_minute: float, think: float, among: range) -> float:
        """What the showings `among` take at a pace, the page's own time included."""
        words = sum(count for showing, count in self.words.items() if showing in among)
        answers = sum(count for showing, count in self.answers.items() if showing in among)
        return words / words_a_minute + answers * (think + median(self.waits) / 1000) / 60


def _job(folder: Path) -> Path:
    runs = [folder / name for name in ("always", "random")]
    for run in runs:
        _call("run", "--model", run.name, "--tasks", "proactivebench_sample", "--output_path", str(run))
    job = folder / "job"
    options = ("--per_stratum", "20", "--annotators", "1", "--output_path", str(job))
    _call("annotate", "prepare", *map(str, runs), *options)
    return job


def _call(*words: str) -> None:
    subprocess.run([*COMMAND, *words], check=True, capture_output=True)


def _sit(page: Any, words_a_minute: float, think: float) -> Sitting:
    sitting, begun = Sitting(), time.perf_counter()
    seen: tuple[str, int] = ("", 0)
    while page.locator("#view-instructions").is_visible():
        _press(page, "Enter", sitting, moves=False)
    while not page.locator("#done-title").is_visible():
        if page.locator("#continue").is_visible():
            _read(page, page.inner_text("#taught"), sitting, words_a_minute)
            _press(page, "Enter", sitting)
            continue
        events = page.locator(".moment .event").all_inner_texts()
        session = page.inner_text("#tags").split("\n")[0] + events[0]
        fresh = seen[1] if seen[0] == session else 0
        seen = (session, len(events))
        on_offer = page.locator("#offer").is_visible()
        offer = page.inner_text("#offer-text") if on_offer else ""
        _read(page, " ".join([*events[fresh:], offer]), sitting, words_a_minute)
        time.sleep(think)
        keys = ANSWERS[on_offer]
        sitting.answers[_number(page)] += 1
        _press(page, keys[sitting.answers.total() % len(keys)], sitting)
    sitting.seconds = time.perf_counter() - begun
    return sitting


def _number(page: Any) -> int:
    """The number of the showing on the screen, from 1."""
    return int(page.inner_text("#counted").split()[0])


def _read(page: Any, text: str, sitting: Sitting, words_a_minute: float) -> None:
    words = len(text.split())
    sitting.words[_number(page)] += words
    time.sleep(60 * words / words_a_minute)


def _press(page: Any, key: str, sitting: Sitting, *, moves: bool = True) -> None:
    before, begun = page.evaluate(DRAWN), time.perf_counter()
    page.keyboard.press(key)
    sitting.keys += 1
    if moves:
        page.wait_for_function(f"before => {{ const now = ({DRAWN})(); return now && now !== before; }}", arg=before)
        sitting.waits.append(1000 * (time.perf_counter() - begun))


def _report(sitting: Sitting, items: int, practice: int, words_a_minute: float, think: float) -> Iterator[str]:
    shown = max(sitting.answers)
    again = shown - items - practice
    everything, alone = range(1, shown + 1), range(practice + 1, practice + items + 1)
    waits = f"{median(sitting.waits):.0f} / {quantiles(sitting.waits, n=20)[-1]:.0f} ms"
    yield "# An annotation job by keyboard"
    yield ""
    yield f"{items} items of two runs on the built-in sample, {practice} for practice before, {again} again after."
    yield "Every event and offer that is new on the screen is read."
    yield ""
    yield "| | the items alone | with practice and repeats |"
    yield "|---|---:|---:|"
    yield f"| shown | {items} | {shown} |"
    yield f"| answers, a key each | {sum(sitting.answers[one] for one in alone)} | {sitting.answers.total()} |"
    yield f"| keys for all else (consent, on after practice) | | {sitting.keys - sitting.answers.total()} |"
    yield f"| words read | {sum(sitting.words[one] for one in alone):,} | {sitting.words.total():,} |"
    yield f"| seconds an item, to end within ten minutes | {600 / items:.1f} | {600 / shown:.1f} |"
    yield f"| minutes, played at {words_a_minute:g} words and {think:g} s | | {sitting.seconds / 60:.1f} |"
    for words, thought in PACES:
        one, other = (sitting.minutes(words, thought, among) for among in (alone, everything))
        yield f"| minutes at {words} words a minute and {thought:g} s an answer | {one:.1f} | {other:.1f} |"
    yield f"| from a key to the next question, its answer on disk: median / 95 % | | {waits} |"
    yield ""


def main() -> None:
    """Play one sitting and print the table."""
    parser = argparse.ArgumentParser(prog="python -m perf.keyboard", description=__doc__)
    parser.add_argument("--words", type=float, default=350, help="read a minute")
    parser.add_argument("--think", type=float, default=1.0, help="seconds before each answer")
    parser.add_argument("--output_path", type=Path, help="also write the table here")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        job = _job(Path(folder))
        items = len((job / "items.jsonl").read_text(encoding="utf-8").splitlines())
        practice = (job / "items.jsonl").read_text(encoding="utf-8").count('"practice":true')
        with subprocess.Popen(
            [*COMMAND, "annotate", "serve", str(job), "--port", "0"], stdout=subprocess.PIPE, text=True
        ) as server:
            try:
                lines = iter(server.stdout or ())
                link = next(found[0] for line in lines if (found := re.search(r"http://\S+", line)))
                browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
                page = browser.new_page()
                page.goto(link)
                page.locator("#consent").wait_for()
                sitting = _sit(page, options.words, options.think)
                browser.close()
            finally:
                server.terminate()
    text = "\n".join(_report(sitting, items - practice, practice, options.words, options.think)) + "\n"
    call = f"`python -m perf.keyboard --words {options.words:g} --think {options.think:g}`"
    print(text + call)
    if options.output_path:
        options.output_path.write_text(f"{text}{call}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
