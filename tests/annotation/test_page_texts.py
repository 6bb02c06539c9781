"""The page speaks each of its languages wholly, a job may bring more, and nothing foreign gets out of its data."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from proactivebench.annotation.page import render, shipped_texts, texts_of
from proactivebench.errors import DataError

PAGE = Path(render.__code__.co_filename).parent


def _places(text: str) -> set[str]:
    return set(re.findall(r"\{\w+\}", text))


def test_every_language_has_every_text_with_the_same_places() -> None:
    texts = shipped_texts()
    assert list(texts) == ["en", "zh"]
    for language, said in texts.items():
        assert list(said) == list(texts["en"]), language
        assert all(text.strip() for text in said.values()), language
        assert {key: _places(text) for key, text in said.items()} == {k: _places(t) for k, t in texts["en"].items()}


def test_every_text_is_said_somewhere_and_nothing_is_said_that_is_no_text() -> None:
    texts = shipped_texts()["en"]
    sources = "".join(file.read_text(encoding="utf-8") for file in [*PAGE.glob("*.js"), PAGE / "page.html"])
    # An element of the same name says nothing.
    sources = re.sub(r"\$\(\"[\w-]+\"\)|\b(?:id|class|type)=\"[^\"]*\"|const id of \[.*?\]", "", sources)
    named = set(re.findall(r"data-(?:text|label)=\"(\w+)\"", sources)) | set(re.findall(r"\"(\w+)\"", sources))
    direct = set(re.findall(r"texts\[\w+\]\.(\w+)", sources))
    assert set(texts) - named - direct == set()
    assert set(re.findall(r"data-(?:text|label)=\"(\w+)\"", sources)) <= set(texts)
    assert set(re.findall(r"language\.say\(\"(\w+)\"", sources)) <= set(texts)


def test_a_job_brings_another_language_or_hears_what_it_lacks(tmp_path: Path) -> None:
    english = dict(shipped_texts()["en"])
    file = tmp_path / "texts.de.json"
    file.write_text(json.dumps({**english, "language": "Deutsch", "unknown": "x"}), encoding="utf-8")
    found = texts_of(tmp_path)
    assert list(found) == ["en", "zh", "de"]
    assert found["de"]["language"] == "Deutsch"
    assert list(found["de"]) == list(english)
    for content, why in (
        (json.dumps({key: text for key, text in english.items() if key != "undo"}), "has no 'undo'"),
        (json.dumps({**english, "session": "Sitzung"}), "'session' has other {places} than in English: n"),
        ("[1]", "no texts of a page"),
        ('{"language": 3}', "no texts of a page"),
        (" " * 100_001, "more than 100,000 bytes"),
    ):
        file.write_text(content, encoding="utf-8")
        with pytest.raises(DataError, match=re.escape(why)) as error:
            texts_of(tmp_path)
        assert "\n" not in str(error.value)
    file.rename(tmp_path / "texts.DE!.json")
    with pytest.raises(DataError, match="is no language"):
        texts_of(tmp_path)


def test_the_page_runs_nothing_but_its_own_script_and_holds_foreign_text_as_data() -> None:
    attack = "</script><script>alert(1)</script><!--"
    found = render("en", {"en": {**shipped_texts()["en"], "undo": attack}}, {"sessions": [[{"event": attack}]]})
    assert found.html.count("<script") == 2
    assert attack not in found.html
    assert "default-src 'none'" in found.policy and "unsafe" not in found.policy
    assert "connect-src" not in found.policy, "a mailed page asks nobody"
    assert "connect-src 'self'" in render("en", shipped_texts()).policy
    code = "".join(file.read_text(encoding="utf-8") for file in PAGE.glob("*.js"))
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(|https?://", code)
