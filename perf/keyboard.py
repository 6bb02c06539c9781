"""How many keys an annotation job takes, and how long, in a real browser at the pace of a reader.

python -m perf.annotating --output_path perf/results/annotating.md

Two runs on the built-in sample become a job of 60 items, served on loopback and answered by keyboard alone. Somebody
reads what is new on the screen (events since the last question, the offer) at `--words` a minute, thinks `--think`
seconds over each answer, and presses its key. Chromium and playwright are needed: the `browser` group.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

COMMAND = [sys.executable, "-m", "proactivebench"]
ANSWERS = "yyn", "aarrlr"  # to needs and to offers, in turn
DRAWN = """() => {
    const at = (id) => document.getElementById(id).textContent;
    return document.getElementById('main').ariaBusy === 'false' && [
        document.body.dataset.view, at('counted'), at('question'), at('offer-title'),
        document.getElementById('taught').hidden,
    ].join('|');
}"""


@dataclass(slots=True)
class Sitting:
    """What one sitting took: keys pressed, answers given, words read, and the milliseconds from each key to the next
    question on the screen."""

    keys: int = 0
    answers: int = 0
    words: int = 0
    showings: int = 0
    waits: list[float] = field(default_factory=list)
    seconds: float = 0.0


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
            _read(page.inner_text("#taught"), sitting, words_a_minute)
            _press(page, "Enter", sitting)
            continue
        events = page.locator(".moment .event").all_inner_texts()
        session = page.inner_text("#tags").split("\n")[0] + events[0]
        fresh = seen[1] if seen[0] == session else 0
        seen = (session, len(events))
        _read(" ".join(events[fresh:]), sitting, words_a_minute)
        on_offer = page.locator("#offer").is_visible()
        _read(page.inner_text("#offer-text") if on_offer else "", sitting, words_a_minute)
        time.sleep(think)
        keys = ANSWERS[on_offer]
        _press(page, keys[sitting.answers % len(keys)], sitting)
        sitting.answers += 1
    sitting.showings = int(page.get_attribute("#meter", "max"))
    sitting.seconds = time.perf_counter() - begun
    return sitting


def _read(text: str, sitting: Sitting, words_a_minute: float) -> None:
    words = len(text.split())
    sitting.words += words
    time.sleep(60 * words / words_a_minute)


def _press(page: Any, key: str, sitting: Sitting, *, moves: bool = True) -> None:
    before, begun = page.evaluate(DRAWN), time.perf_counter()
    page.keyboard.press(key)
    sitting.keys += 1
    if moves:
        page.wait_for_function(f"before => {{ const now = ({DRAWN})(); return now && now !== before; }}", arg=before)
        sitting.waits.append(1000 * (time.perf_counter() - begun))


def _report(sitting: Sitting, items: int, words_a_minute: float, think: float) -> Iterator[str]:
    yield "# An annotation job by keyboard"
    yield ""
    yield f"{items} items of two runs on the built-in sample, practice and repeats beside; {words_a_minute:.0f} words a"
    yield f"minute and {think} s of thought an answer; every event and offer that is new on the screen is read."
    yield ""
    yield "| | |"
    yield "|---|---:|"
    yield f"| items / shown in all (practice and repeats too) | {items} / {sitting.showings} |"
    yield f"| answers | {sitting.answers} |"
    yield f"| keys pressed, those that go on after practice included | {sitting.keys} |"
    yield f"| keys an item shown | {sitting.keys / sitting.showings:.2f} |"
    yield f"| words read | {sitting.words:,} |"
    yield f"| minutes | {sitting.seconds / 60:.1f} |"
    yield f"| seconds an item shown | {sitting.seconds / sitting.showings:.1f} |"
    yield f"| the same, for all of it within ten minutes | {600 / sitting.showings:.1f} |"
    late = quantiles(sitting.waits, n=20)[-1]
    waits = f"{median(sitting.waits):.0f} / {late:.0f} ms"
    yield f"| from a key to the next question on the screen, its answer on disk: median / 95 % | {waits} |"
    yield ""


def main() -> None:
    """Play one sitting and print the table."""
    parser = argparse.ArgumentParser(prog="python -m perf.annotating", description=__doc__)
    parser.add_argument("--words", type=float, default=240, help="read a minute")
    parser.add_argument("--think", type=float, default=1.5, help="seconds before each answer")
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
    text = "\n".join(_report(sitting, items - practice, options.words, options.think))
    call = f"`python -m perf.annotating --words {options.words:g} --think {options.think:g}`"
    print(text + call)
    if options.output_path:
        options.output_path.write_text(f"{text}{call}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
