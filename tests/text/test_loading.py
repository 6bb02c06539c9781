"""Foreign JSON: a value, or one kind of error, whatever stands there."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import proactivebench
from proactivebench.text import NotReadable, load_json, no_constant, once


@pytest.mark.parametrize("content", ['{"a": [1, 2.5, null, "x"]}', b'{"a": [1, 2.5, null, "x"]}'])
def test_json_is_read_from_text_and_bytes(content: str | bytes) -> None:
    assert load_json(content) == {"a": [1, 2.5, None, "x"]}


DEEP = [70, 990, 100_000]


@pytest.mark.parametrize("depth", DEEP)
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("closed", [True, False])
def test_deep_nesting_is_refused_in_one_line_whatever_the_stack_allows(
    depth: int, opening: str, closing: str, closed: bool
) -> None:
    text = opening * depth + "1" + (closing * depth if closed else "")
    with pytest.raises(NotReadable, match=r"nested|not JSON"):
        load_json(text)


def test_what_is_no_value_is_said_in_one_line() -> None:
    for content in ("", "nope", '{"a": 1,}', b"\xff\xfe\xfd", "9" * 5000, '{"a": 1}\n{"b": 2}'):
        with pytest.raises(NotReadable) as refused:
            load_json(content)
        assert "\n" not in str(refused.value)


def test_a_key_given_twice_and_nan_are_refused_where_asked_for() -> None:
    assert load_json('{"a": 1, "a": 2}') == {"a": 2}
    with pytest.raises(NotReadable, match="'a' is given twice"):
        load_json('{"a": 1, "a": 2}', pairs=once)
    with pytest.raises(NotReadable, match="NaN"):
        load_json("[NaN]", constant=no_constant)


def test_many_keys_of_which_the_last_is_double_are_looked_at_once_each() -> None:
    class Key(str):
        compared = 0

        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            Key.compared += 1
            return str.__eq__(self, str(other))

    pairs = [(Key(f"k{number}"), 1) for number in range(3000)]
    with pytest.raises(NotReadable):
        once([*pairs, pairs[-1]])
    assert Key.compared < 30_000


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_no_content_raises_anything_else(content: str | bytes) -> None:
    try:
        load_json(content)
    except NotReadable as refused:
        assert "\n" not in str(refused)


def test_foreign_json_is_loaded_by_nothing_else() -> None:
    """A bare `json.loads` lets deep nesting and endless digits through: it stands only where no text is foreign (what
    is shipped or installed) and where a server's own reader bounds and catches everything by itself."""
    own = {
        "board/entry/reading.py", "models/endpoint/reply.py", "models/endpoint/stream.py", "models/server_words.py",
        "installing.py", "recognition.py", "text/loading.py", "text/objects.py", "traces/index.py", "traces/labels.py",
        "traces/release.py", "annotation/page/__init__.py",
    }  # fmt: skip
    package = Path(proactivebench.__file__).parent
    bare = re.compile(r"json\.loads?\(|JSONDecoder\(")
    found = {
        file.relative_to(package).as_posix()
        for file in package.rglob("*.py")
        if bare.search(file.read_text(encoding="utf-8"))
    }
    assert found <= own


def test_foreign_text_is_normalised_within_bounds_everywhere() -> None:
    package = Path(proactivebench.__file__).parent
    for file in package.rglob("*.py"):
        if file.relative_to(package).as_posix() not in ("text/words.py", "text/lookalikes.py"):
            assert "unicodedata.normalize" not in file.read_text(encoding="utf-8"), file
