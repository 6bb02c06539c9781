"""Pinned files come from mirror, cache or origin, and never with another content than was pinned."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
import tenacity

from proactivebench.errors import CannotWrite, UsageError
from proactivebench.traces import release
from proactivebench.traces.fetch import MissingFile, Unreachable, WrongHash, pinned_path, read_pinned
from tests.servers.files import Files, serve

NAME = "eval/script.py"
TEXT = b'SYSTEM = "stand-in"\n'
PIN = hashlib.sha256(TEXT).hexdigest()
CLOSED = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    """Attempts follow each other at once."""
    monkeypatch.setattr("tenacity.wait_exponential", lambda **_: tenacity.wait_none())


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def _mirror(tmp_path, monkeypatch, content=TEXT):
    path = tmp_path / "mirror" / NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    monkeypatch.setenv("PROACTIVEBENCH_MIRROR", str(tmp_path / "mirror"))
    return path


def test_a_mirror_folder_is_read_in_place_and_not_copied(tmp_path, monkeypatch, cache):
    path = _mirror(tmp_path, monkeypatch)
    assert read_pinned(NAME, PIN, origin=CLOSED, cache=cache) == TEXT
    assert pinned_path(NAME, PIN, origin=CLOSED, cache=cache) == path
    assert not cache.exists()


def test_a_wrong_hash_names_the_file_what_was_expected_and_what_came(tmp_path, monkeypatch, cache):
    _mirror(tmp_path, monkeypatch, b"something else")
    with pytest.raises(WrongHash) as caught:
        read_pinned(NAME, PIN, origin=CLOSED, cache=cache)
    message = str(caught.value)
    assert NAME in message and PIN in message and hashlib.sha256(b"something else").hexdigest() in message
    assert "\n" not in message


def test_a_mirror_folder_replaces_the_origin_even_where_it_lacks_the_file(tmp_path, monkeypatch, cache):
    monkeypatch.setenv("PROACTIVEBENCH_MIRROR", str(tmp_path))
    with serve(Files({NAME: TEXT})) as files, pytest.raises(MissingFile, match="not in the mirror"):
        read_pinned(NAME, PIN, origin=files.url, cache=cache)
    assert not files.asked


def test_a_mirror_that_is_no_folder_is_said(monkeypatch, cache, tmp_path):
    monkeypatch.setenv("PROACTIVEBENCH_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(MissingFile, match="no such folder"):
        read_pinned(NAME, PIN, origin=CLOSED, cache=cache)


def test_a_file_is_fetched_once_and_then_read_from_the_cache(cache):
    with serve(Files({NAME: TEXT})) as files:
        assert read_pinned(NAME, PIN, origin=files.url, cache=cache) == TEXT
        assert read_pinned(NAME, PIN, origin=files.url, cache=cache) == TEXT
    assert files.asked[NAME] == 1
    assert read_pinned(NAME, PIN, origin=CLOSED, cache=cache) == TEXT


def test_a_mirror_url_replaces_the_origin(monkeypatch, cache):
    with serve(Files({NAME: TEXT})) as files:
        monkeypatch.setenv("PROACTIVEBENCH_MIRROR", files.url + "/")
        assert read_pinned(NAME, PIN, origin=CLOSED, cache=cache) == TEXT


def test_a_torn_copy_in_the_cache_is_fetched_again(cache):
    (cache / NAME).parent.mkdir(parents=True)
    (cache / NAME).write_bytes(TEXT[:5])
    with serve(Files({NAME: TEXT})) as files:
        assert read_pinned(NAME, PIN, origin=files.url, cache=cache) == TEXT
    assert (cache / NAME).read_bytes() == TEXT


def test_an_altered_download_is_refused_and_not_kept(cache):
    with serve(Files({NAME: b"<html>sign in</html>"})) as files, pytest.raises(WrongHash):
        read_pinned(NAME, PIN, origin=files.url, cache=cache)
    assert not (cache / NAME).exists()


def test_a_passing_server_error_is_retried(cache):
    with serve(Files({NAME: TEXT}, failures=2)) as files:
        assert read_pinned(NAME, PIN, origin=files.url, cache=cache) == TEXT
    assert files.asked[NAME] == 3


def test_a_missing_file_is_not_asked_for_twice(cache):
    with serve(Files({})) as files, pytest.raises(MissingFile, match="404"):
        read_pinned(NAME, PIN, origin=files.url, cache=cache)
    assert files.asked[NAME] == 1


def test_without_network_or_mirror_one_line_names_both_ways_out(cache):
    with pytest.raises(Unreachable) as caught:
        read_pinned(NAME, PIN, origin=CLOSED, cache=cache)
    message = str(caught.value)
    assert "go online" in message and "PROACTIVEBENCH_MIRROR" in message and "\n" not in message


def test_many_readers_at_once_all_get_the_file_and_leave_nothing_behind(cache):
    with serve(Files({NAME: TEXT}, delay_s=0.05)) as files, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: read_pinned(NAME, PIN, origin=files.url, cache=cache), range(8)))
    assert found == [TEXT] * 8
    assert [path.name for path in (cache / NAME).parent.iterdir()] == ["script.py"]


def test_a_cache_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with serve(Files({NAME: TEXT})) as files, pytest.raises(CannotWrite, match="PROACTIVEBENCH_CACHE"):
        read_pinned(NAME, PIN, origin=files.url, cache=tmp_path / "file" / "cache")


def test_pins_are_an_argument_and_without_a_pin_nothing_is_read(tmp_path, monkeypatch):
    _mirror(tmp_path, monkeypatch)
    assert release.read_text(NAME, {NAME: PIN}) == TEXT.decode()
    with pytest.raises(WrongHash):
        release.read_text(NAME)
    with pytest.raises(UsageError, match="not a pinned file"):
        release.read("eval/other.py")


def test_the_pins_of_the_prompts_and_the_archive_are_the_published_ones():
    assert release.pins()["eval/script.py"] == "ca30d328b3986386deba8c833754cbb5c9b501b8506142283768ca77bbf62d18"
    expected = "b46dc883cdbd4380256382e9167ce2d5b2cd98f05dd015a31c602d86fdfa4050"
    assert release.pins()["eval/reward_model_template.py"] == expected
    assert release.pins()["eval/traces.zip"] == "406b3c7c56a3f91eaaf1207a45dcf19ecb7862427ea4a41ea9fd15985d09699e"


@pytest.mark.parametrize(
    ("proxy", "shown"),
    [
        ("http://127.0.0.1:1", "through the proxy http://127.0.0.1:1 of the environment"),
        ("http://me:secret@127.0.0.1:1", "through the proxy http://127.0.0.1:1 of the environment"),
        ("127.0.0.1:1", "through the proxy 127.0.0.1:1"),
        ("nonsense://127.0.0.1:1", "through the proxy nonsense://127.0.0.1:1"),
    ],
)
def test_a_proxy_between_is_named_without_its_password(proxy, shown, monkeypatch, cache):
    monkeypatch.delenv("PROACTIVEBENCH_MIRROR", raising=False)
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.setenv("http_proxy", proxy)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(Unreachable) as caught:
        read_pinned(NAME, PIN, origin="http://release.example", cache=cache)
    assert shown in str(caught.value)
    assert "secret" not in str(caught.value)
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(Unreachable) as caught:
        read_pinned(NAME, PIN, origin=CLOSED, cache=cache)
    assert "proxy" not in str(caught.value)
