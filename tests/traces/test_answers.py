"""Released answers come out of the archive by name, without trusting what the archive says of itself."""

import hashlib
import io
import json
import zipfile

import pytest

from proactivebench.errors import DataError, UsageError
from proactivebench.traces import answers, release, task_structure
from proactivebench.traces.answers import released_answers, released_models
from tests.servers.files import Files, serve

ITEMS = [{"observation": {"time": "1.0", "event": "The user knocks."}, "agent_response": ["null"]}]
TEXT = json.dumps(ITEMS).encode()


def _zip(tmp_path, monkeypatch, members):
    """A mirror with a stand-in archive, and pins of its own."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    path = tmp_path / "mirror" / release.ARCHIVE
    path.parent.mkdir(parents=True)
    path.write_bytes(buffer.getvalue())
    monkeypatch.setenv("PROACTIVEBENCH_MIRROR", str(tmp_path / "mirror"))
    return {release.ARCHIVE: hashlib.sha256(buffer.getvalue()).hexdigest()}


def test_a_models_answers_are_found_by_folder_wherever_the_archive_puts_it(tmp_path, monkeypatch):
    members = [
        ("traces_new/m1/code_11.json", TEXT),
        ("traces_new/m1/code_99.json", TEXT),
        ("traces_new/m2/code_11.json", TEXT),
        ("__MACOSX/traces_new/m3/._code_11.json", b"junk"),
        ("traces_new/readme.txt", b"x"),
    ]
    pins = _zip(tmp_path, monkeypatch, members)
    assert released_models(pins) == ("m1", "m2")
    assert released_answers("m1", pins) == {"code_11": ITEMS, "code_99": ITEMS}


def test_an_unknown_model_is_answered_with_the_known_ones(tmp_path, monkeypatch):
    pins = _zip(tmp_path, monkeypatch, [("t/m1/a.json", TEXT)])
    with pytest.raises(UsageError, match="there are m1"):
        released_answers("m9", pins)


def test_nothing_in_the_archive_can_be_written_anywhere(tmp_path, monkeypatch):
    pins = _zip(tmp_path, monkeypatch, [("../../m1/evil.json", TEXT), ("/m1/abs.json", TEXT)])
    before = set(tmp_path.rglob("*"))
    assert set(released_answers("m1", pins)) == {"evil", "abs"}
    assert set(tmp_path.rglob("*")) == before


def test_a_member_that_unpacks_to_more_than_the_limit_is_refused(tmp_path, monkeypatch):
    bomb = b"[" + b" " * (answers.MAX_MEMBER + 10) + b"]"
    pins = _zip(tmp_path, monkeypatch, [("t/m1/a.json", bomb)])
    with pytest.raises(DataError, match="larger than"):
        released_answers("m1", pins)


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    pins = _zip(tmp_path, monkeypatch, [(f"t/m1/{n}.json", TEXT) for n in range(answers.MAX_MEMBERS + 1)])
    with pytest.raises(DataError, match="not the release"):
        released_answers("m1", pins)


@pytest.mark.parametrize("content", [b"{", b"{}", b"[1]", b'[{"no": 1}]', b"\xff\xfe"])
def test_a_member_that_is_no_list_of_answers_is_named(tmp_path, monkeypatch, content):
    pins = _zip(tmp_path, monkeypatch, [("t/m1/a.json", content)])
    with pytest.raises(DataError, match=r"a\.json"):
        released_answers("m1", pins)


def test_an_archive_that_is_no_zip_is_said(tmp_path, monkeypatch):
    path = tmp_path / release.ARCHIVE
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a zip")
    monkeypatch.setenv("PROACTIVEBENCH_MIRROR", str(tmp_path))
    with pytest.raises(DataError, match="not a zip"):
        released_answers("m1", {release.ARCHIVE: hashlib.sha256(b"not a zip").hexdigest()})


def test_a_mirror_may_hold_the_archive_unpacked(tmp_path, monkeypatch):
    name = f"{release.UNPACKED}/m1/code_11.json"
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_bytes(TEXT)
    monkeypatch.setenv("PROACTIVEBENCH_MIRROR", str(tmp_path))
    pins = {name: hashlib.sha256(TEXT).hexdigest(), release.ARCHIVE: "0" * 64}
    assert released_answers("m1", pins) == {"code_11": ITEMS}
    assert released_models(pins) == ("m1",)


def test_unpacked_answers_fetched_from_a_mirror_url_stay_usable_without_it(monkeypatch):
    name = f"{release.UNPACKED}/m1/code_11.json"
    pins = {name: hashlib.sha256(TEXT).hexdigest(), release.ARCHIVE: "0" * 64}
    with serve(Files({name: TEXT})) as files:
        monkeypatch.setenv("PROACTIVEBENCH_MIRROR", files.url)
        assert released_answers("m1", pins) == {"code_11": ITEMS}
    monkeypatch.delenv("PROACTIVEBENCH_MIRROR")
    assert released_answers("m1", pins) == {"code_11": ITEMS}


def test_an_altered_unpacked_file_is_refused(tmp_path, monkeypatch):
    name = f"{release.UNPACKED}/m1/code_11.json"
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_bytes(TEXT + b" ")
    monkeypatch.setenv("PROACTIVEBENCH_MIRROR", str(tmp_path))
    with pytest.raises(DataError, match="sha256"):
        released_answers("m1", {name: hashlib.sha256(TEXT).hexdigest(), release.ARCHIVE: "0" * 64})


def test_all_fifteen_models_carry_the_same_227_events_of_the_benchmark(mirror):
    traces = sorted(trace.trace_id for trace in task_structure("proactivebench").traces)
    seen = []
    for model in released_models():
        found = released_answers(model)
        seen.append([[item["observation"] for item in found[trace]] for trace in traces])
    assert len(seen) == 15
    assert all(observations == seen[0] for observations in seen)
    assert sum(map(len, seen[0])) == 227
