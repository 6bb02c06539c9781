"""What redaction touches that it should not, and what it finds of what it should.

python -m perf.redaction --output_path perf/results/redaction.md

Changed lines are counted over texts in which next to nothing is personal: sessions and offers, program text, Python's
standard library (which holds authors' addresses). Secrets are made by chance, form by form, and set into sentences.
"""

from __future__ import annotations

import json
import os
import random
import string
import sysconfig
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from perf.simulation import write_table
from proactivebench.errors import ProactiveBenchError
from proactivebench.text import redact, redacted
from proactivebench.traces import load_task

ROOT = Path(__file__).parents[1]
SENTENCES = (
    "The user types {} into the form.",
    "{}",
    "用户输入了{}，然后保存。",
    "He wrote: '{}'",
    "see {}, please",
    "the log says ({}) twice",
)
_ALNUM = string.ascii_letters + string.digits


def _text(rng: random.Random, size: int, letters: str = _ALNUM) -> str:
    return "".join(rng.choices(letters, k=size))


def _digits(rng: random.Random, size: int) -> str:
    return _text(rng, size, string.digits)


def _card(rng: random.Random) -> str:
    body = rng.choice("45") + _digits(rng, 14)
    total = sum(sum(divmod(2 * int(d), 10)) if place % 2 == 0 else int(d) for place, d in enumerate(body))
    whole = body + str(-total % 10)
    return whole if rng.random() < 0.5 else " ".join(whole[at : at + 4] for at in range(0, 16, 4))


def _iban(rng: random.Random) -> str:
    body = _digits(rng, 18)
    whole = f"DE{98 - int(body + '131400') % 97:02d}{body}"
    return whole if rng.random() < 0.5 else " ".join(whole[at : at + 4] for at in range(0, 22, 4))


def _phone(rng: random.Random) -> str:
    return rng.choice(
        (
            f"+49 {rng.randint(151, 179)} {_digits(rng, 8)}",
            f"+1 ({rng.randint(200, 989)}) {rng.randint(200, 989)}-{_digits(rng, 4)}",
            f"{rng.randint(200, 989)}-{rng.randint(200, 989)}-{_digits(rng, 4)}",
            f"1{rng.choice('3456789')}{_digits(rng, 9)}",
            f"+86 1{rng.choice('3456789')}{_digits(rng, 1)} {_digits(rng, 4)} {_digits(rng, 4)}",
            f"030-{rng.randint(1, 9)}{_digits(rng, 6)}",
        )
    )


SECRETS: dict[str, Callable[[random.Random], tuple[str, str]]] = {
    "e-mail": lambda r: (x := f"{_text(r, 6, string.ascii_lowercase)}.{_text(r, 5)}@{_text(r, 7).lower()}.org", x),
    "token by its prefix": lambda r: (
        x := r.choice(("sk-", "sk-proj-", "hf_", "ghp_", "xoxb-1-")) + _text(r, 32) + "7",
        x,
    ),
    "bearer header": lambda r: (f"Authorization: Bearer {(x := _text(r, 40))}", x),
    "key=value by its name": lambda r: (f"{r.choice(('API_KEY', 'secret', 'token'))}={(x := _text(r, 24))}", x),
    "random value of another name": lambda r: (f"X={(x := _text(r, 32))}", x),
    "password=": lambda r: (f"password={(x := _text(r, 10))}", x),
    "password: with a digit": lambda r: (f"password: {(x := _text(r, 9, string.ascii_letters) + '7')}", x),
    "password: of letters": lambda r: (f"password: {(x := _text(r, 9, string.ascii_lowercase))}", x),
    "login in an address": lambda r: (f"postgres://{(x := _text(r, 5) + ':' + _text(r, 9))}@db.internal/x", x),
    "query of an address": lambda r: (f"https://example.org/a?{(x := 'q=' + _text(r, 12))}", x),
    "phone number": lambda r: (x := _phone(r), x),
    "IPv4": lambda r: (x := ".".join(str(r.randint(1, 223)) for _ in range(4)), x),
    "IPv6": lambda r: (x := "2" + ":".join(f"{r.randint(0x1000, 0xFFFF):x}" for _ in range(8))[1:], x),
    "card number": lambda r: (x := _card(r), x),
    "IBAN": lambda r: (x := _iban(r), x),
    "home folder": lambda r: (r.choice(("/home/{}/a", "/Users/{}/b", "C:\\Users\\{}\\c")).format(x := _text(r, 7)), x),
    "name of a person": lambda r: (x := f"Ms {_text(r, 6, string.ascii_lowercase).title()}", x),
}


def ordinary() -> Iterator[tuple[str, list[str]]]:
    """Texts that hold next to nothing personal, by where they are from."""
    for name in ("proactivebench_sample", "proactivebench"):
        try:
            task = load_task(name)
        except ProactiveBenchError as error:
            print(f"{name}: left out ({error})")
            continue
        labels = [label for trace in task.traces for label in trace.labels or () if label]
        yield f"{name}: events", [event.event for trace in task.traces for event in trace.events]
        yield f"{name}: offers", [offer.task for label in labels for offer in label.tasks]
    if (mirror := Path(os.environ.get("PROACTIVEBENCH_MIRROR") or "nowhere")).is_dir():
        yield "all texts of the release's files, models' answers too", sorted(set(_release(mirror)))
    python = [*(ROOT / "proactivebench").rglob("*.py"), *(ROOT / "perf").rglob("*.py")]
    yield "this project's Python", _lines(path for path in python if "redaction" not in path.name)
    yield "this project's docs", _lines([ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))])
    standard = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    yield "Python's standard library", _lines(standard)


def _release(mirror: Path) -> Iterator[str]:
    for file in [*mirror.rglob("*.json"), *mirror.rglob("*.jsonl")]:
        text = file.read_text(encoding="utf-8")
        yield from _strings([json.loads(one) for one in (text.splitlines() if file.suffix == ".jsonl" else [text])])


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)


def _lines(files: Iterator[Path] | list[Path]) -> list[str]:
    return [line for file in files for line in file.read_text(encoding="utf-8", errors="replace").splitlines()]


def report(runs: int, seed: int) -> Iterator[str]:
    """Two tables: what is changed, and what is found."""
    yield "# Redaction\n\n## What it changes in ordinary texts\n"
    yield "| texts | lines | changed | what was found |\n|---|---|---|---|"
    for name, texts in ordinary():
        counts: Counter[str] = Counter()
        changed = 0
        for text in texts:
            found = redacted(text)[1]
            counts += found
            changed += bool(found)
        listed = ", ".join(f"{count} {kind}" for kind, count in counts.most_common()) or "–"
        yield f"| {name} | {len(texts):,} | {changed:,} | {listed} |"
    yield f"\n## What it finds: secrets made by chance, each in one of {len(SENTENCES)} sentences\n"
    yield "| form | found |\n|---|---|"
    rng = random.Random(seed)
    for name, make in SECRETS.items():
        gone = 0
        for number in range(runs):
            said, secret = make(rng)
            gone += secret not in redact(SENTENCES[number % len(SENTENCES)].format(said))
        yield f"| {name} | {gone / runs:.3f} |"


if __name__ == "__main__":
    write_table("redaction", __doc__, 600, "secrets a form", report)
