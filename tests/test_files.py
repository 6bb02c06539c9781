"""Files that users name are read whole, within bounds, and recognised by what is in them."""

import gzip
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proactivebench import files
from proactivebench.errors import DataError, UsageError
from proactivebench.files import read_bytes, read_yaml
from proactivebench.recognition import recognised

from .cli.foreign_files import FOREIGN


@pytest.mark.parametrize("name", [name for name in FOREIGN if not name.endswith(".gz")])
@pytest.mark.parametrize("called", ["", "data", "data.jsonl"])
def test_a_file_is_recognised_by_its_content_and_not_by_its_name(name, called):
    assert recognised(FOREIGN[name][0], called).name.startswith(FOREIGN[name][1])


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_recogniser(content):
    recognised(content)


@given(st.text(max_size=300))
def test_no_text_crashes_the_recogniser(text):
    for start in ("", "{", "[", "[{", '{"', "PK\x03\x04", "<"):
        recognised((start + text).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b'{"a":' * 100_000, b"{" * 1000 + b"}" * 1000, b"a," * 100_000, "é".encode() * 40_000]
)
def test_deep_and_long_content_is_no_trouble(content):
    recognised(content)


def test_what_is_read_has_a_bound_packed_or_not(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_BYTES", 2**21)
    for name, content in (("plain", bytes(2**22)), ("packed.gz", gzip.compress(bytes(2**22)))):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match="split it"):
            read_bytes(tmp_path / name, "a small file")
    (tmp_path / "small.gz").write_bytes(gzip.compress(b"x" * 2**20))
    assert len(read_bytes(tmp_path / "small.gz", "a small file")) == 2**20


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device on this system")
def test_a_device_without_an_end_is_refused():
    with pytest.raises(UsageError, match="/dev/zero is a device: give prices"):
        read_bytes(Path("/dev/zero"), "prices")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_read_to_its_end(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(gzip.compress(b"a: 1\n"),))
    writer.start()
    assert read_yaml(tmp_path / "pipe", "a mapping") == {"a": 1}
    writer.join()


@pytest.mark.parametrize("text", ["a: 1\na: 2\n", "b:\n  - {a: 1, a: 2}\n", "b: {c: {a: 1, a: 1}}\n"])
def test_a_key_that_stands_twice_is_refused_at_any_depth(tmp_path, text):
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(DataError, match="sets 'a' twice"):
        read_yaml(tmp_path / "x.yaml", "a mapping")


@pytest.mark.parametrize("text", ["a: &a [1]\nb: *a\n", "<<: {a: 1}\nb: 2\n"])
def test_anchors_and_merges_are_no_doubled_keys(tmp_path, text):
    (tmp_path / "x.yaml").write_text(text)
    assert "b" in read_yaml(tmp_path / "x.yaml", "a mapping")


def test_references_within_references_take_no_time(tmp_path):
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
    (tmp_path / "x.yaml").write_text(f"a0: &a0 [x]\n{levels}")
    assert "a29" in read_yaml(tmp_path / "x.yaml", "a mapping")
    (tmp_path / "x.yaml").write_text("a: &a {b: *a}\n")
    assert "a" in read_yaml(tmp_path / "x.yaml", "a mapping")
