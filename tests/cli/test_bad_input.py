"""Whatever a user names by mistake, file or word, is one line that says what, why and what to do; nothing is lost."""

import gzip
import hashlib
import json
import shutil
from pathlib import Path

import click
import pytest

from proactivebench.cli import main
from proactivebench.naming import did_you_mean, nearest

from .commands import every_command
from .foreign_files import FOREIGN, TRACE

SAMPLE = "--tasks proactivebench_sample --output_path new"
RUN = f"run --model always {SAMPLE}"

# Each place where a command takes a file or a folder: the verb, the parameter, and a command with it at @.
LINES = [
    ("run", "tasks", "run --model always --output_path new --tasks @"),
    ("judge", "tasks", "judge r --tasks @"),
    ("score", "tasks", "score r --tasks @"),
    ("sweep", "tasks", "sweep r --tasks @"),
    ("show", "tasks", "show r --tasks @"),
    ("view", "tasks", "view r --output_path new --tasks @"),
    ("export", "tasks", "export r --to lm-eval --output_path new --tasks @"),
    ("data show", "tasks", "data show a --tasks @"),
    ("judges attack", "tasks", "judges attack lexical --tasks @"),
    ("judges audit-leaks", "benchmark", "judges audit-leaks rows.jsonl rows.jsonl @"),
    ("judges audit-leaks", "train", "judges audit-leaks @ rows.jsonl proactivebench_sample"),
    ("judges audit-leaks", "test", "judges audit-leaks rows.jsonl @ proactivebench_sample"),
    ("score", "human_labels", "score r --human_labels @"),
    ("leaderboard verify", "labels", "leaderboard verify entry --labels @"),
    ("leaderboard build", "labels", "leaderboard build folder --output_path new --labels @"),
    ("annotate prepare", "source", "annotate prepare @ --output_path new"),
    ("annotate prepare", "tasks", "annotate prepare r --output_path new --tasks @"),
    ("annotate prepare", "practice", "annotate prepare r --output_path new --practice @"),
    ("annotate collect", "files", "annotate collect job @"),
]
RUNS = [
    ("judge", "run", "judge @"),
    ("score", "run", "score @"),
    ("score", "anchors", "score r --anchors @"),
    ("show", "run", "show @"),
    ("view", "runs", "view r @ --output_path new"),
    ("compare", "runs", "compare r @"),
    ("gate", "baseline", "gate @ r"),
    ("gate", "candidate", "gate r @"),
    ("power", "runs", "power r @"),
    ("sweep", "runs", "sweep @"),
    ("plot", "runs", "plot r @ --output_path new"),
    ("export", "run", "export @ --to lm-eval --output_path new"),
    ("judges fingerprint", "runs", "judges fingerprint @ --judge_model m"),
    ("leaderboard prepare", "run", "leaderboard prepare @ --output_path new"),
    ("annotate prepare", "source", "annotate prepare r @ --output_path new"),
    (
        "annotate prepare",
        "candidates_from",
        "annotate prepare proactivebench_sample --output_path new --candidates 2 --from @",
    ),
    ("run", "model_args", f"run --model replay --model_args path=@ {SAMPLE}"),
]
FOLDERS = [
    ("judges reproduce", "board", "judges reproduce @ llm --judge_model m"),
    ("judges fingerprint", "record", "judges fingerprint --record @ --judge_model m"),
    ("leaderboard validate", "path", "leaderboard validate @"),
    ("leaderboard verify", "paths", "leaderboard verify @"),
    ("leaderboard verify", "against", "leaderboard verify entry --against @"),
    ("leaderboard verify", "record", "leaderboard verify entry --record @ --judge_model m"),
    ("leaderboard submit", "path", "leaderboard submit @ --to dir:new"),
    ("leaderboard build", "path", "leaderboard build @ --output_path new"),
    ("leaderboard announce", "path", "leaderboard announce @ --entry a__b/r --to a/b --dataset a/b"),
    ("leaderboard reproduce", "entry", "leaderboard reproduce @ --model never"),
    ("leaderboard rejudge", "path", "leaderboard rejudge @ --pending --judge_model m"),
    ("leaderboard serve", "path", "leaderboard serve @ --port 0"),
    ("annotate collect", "job", "annotate collect @ rows.jsonl"),
    ("annotate export", "job", "annotate export @ --to csv --output_path new"),
    ("annotate import", "paths", "annotate import @ rows.jsonl --from csv"),
    ("annotate agreement", "job", "annotate agreement @"),
    ("annotate merge", "job", "annotate merge @ --output_path new.jsonl --form traces"),
    ("annotate page", "job", "annotate page @ --output_path new"),
    ("annotate publish", "job", "annotate publish @ --output_path new"),
    ("annotate publish", "job", "annotate publish @ --output_path new"),
    ("annotate serve", "job", "annotate serve @ --port 0"),
    ("annotate status", "job", "annotate status @"),
    ("annotate withdraw", "job", "annotate withdraw @ ann"),
    ("leaderboard seed", "mirror", "leaderboard seed --mirror @ --output_path new"),
]
CARDS = [
    ("run", "prices", f"{RUN} --prices @"),
    ("score", "prices", "score r --prices @"),
    ("run", "config", f"{RUN} --config @"),
    ("run", "judge", f"{RUN} --judge @"),
    ("judge", "judge", "judge r --judge @"),
    ("judge", "prices", "judge r --prices @"),
    ("run", "protocol", f"{RUN} --protocol @"),
    ("judges show", "name", "judges show @"),
    ("judges validate", "name", "judges validate @"),
    ("judges attack", "name", "judges attack @ --tasks proactivebench_sample"),
    ("judges attack", "suite", "judges attack lexical --tasks proactivebench_sample --suite @"),
    ("judges train", "name", "judges train @"),
    ("audit-published", "file", "audit-published @"),
    ("judges table", "page", "judges table @ --check"),
    ("annotate prepare", "instructions", "annotate prepare r --output_path new --instructions @"),
    ("annotate publish", "own_words", "annotate publish job --output_path new --redact @"),
    ("annotate import", "paths", "annotate import job @ --from csv"),
    ("annotate import", "paths", "annotate import job @ --from votes"),
    ("annotate import", "paths", "annotate import job @ --from label-studio"),
    ("annotate import", "paths", "annotate import @ --from release --output_path new"),
    ("annotate import", "paths", "annotate import job @ --from csv --columns annotator=a"),
]
PLACES = [*LINES, *RUNS, *FOLDERS, *CARDS]
WRITTEN = {
    "output_path",
    "dataset_path",
    "output",
    "junit",
    "markdown",
    "picture",
    "private_labels",
}  # these are written, not read
ANY_TEXT = {"own_words"}  # whatever stands there, line by line
FITTING = {("config", "empty"), ("model_args", "r/replies.jsonl")}  # no option set; replies to replay
FITTING |= {(parameter, "folder") for parameter in ("path", "paths", "against", "record")}  # a board without entries


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a run, an entry, the foreign files, and what some commands need beside."""
    folder = tmp_path_factory.mktemp("bad")
    patch = pytest.MonkeyPatch()
    patch.chdir(folder)
    job = "annotate prepare proactivebench_sample --output_path job"
    for words in (RUN.replace("new", "r"), "leaderboard prepare r --output_path entry", job):
        with pytest.raises(SystemExit) as ended:
            main(words.split())
        assert ended.value.code == 0
    for name, (content, _) in FOREIGN.items():
        Path(name).write_bytes(content)
    row = {"obs": [{"time": "0", "event": "x"}], "pred_task": None, "valid": True}
    Path("rows.jsonl").write_text(json.dumps(row) + "\n")
    Path("empty").write_bytes(b"")
    Path("folder").mkdir()
    yield folder
    patch.undo()


@pytest.fixture
def call(place, monkeypatch, capsys):
    """Call the command in that folder; returns exit code, output, and the lines on standard error."""
    monkeypatch.chdir(place)
    monkeypatch.setenv("PROACTIVEBENCH_MIRROR", str(place / "folder"))  # nothing here may need the network

    def run(words):
        shutil.rmtree(place / "new", ignore_errors=True)
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(words.split(" "))
        out, err = capsys.readouterr()
        return ended.value.code, out, err.strip().splitlines()

    return run


def kept(folder):
    """What is in a run, but for its locks."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != ".lock")
    return [(file.name, hashlib.sha256(file.read_bytes()).hexdigest()) for file in files]


def refused(call, place, words):
    """Call a command that must be refused: its one line."""
    before = kept(place / "r")
    code, _, lines = call(words)
    assert code == 2, (words, lines)
    assert len(lines) == 1, (words, lines)
    for noise in ("Traceback", "fault of proactivebench", "Errno", "codec", "Error", "[type="):
        assert noise not in lines[0], (words, lines)
    assert not (place / "new").exists(), words
    assert kept(place / "r") == before, "what is stored stays as it is"
    return lines[0].removeprefix("proactivebench: ")


@pytest.mark.parametrize("slot", PLACES, ids=lambda slot: f"{slot[0]}-{slot[1]}")
@pytest.mark.parametrize("named", ["nowhere", "nowhere.jsonl", "folder", "empty", "r/replies.jsonl"])
def test_nothing_a_folder_or_an_empty_file_in_place_of_what_is_due_is_said_so(named, slot, call, place):
    _, parameter, words = slot
    if (parameter, named) in FITTING:
        return
    line = refused(call, place, words.replace("@", named))
    if parameter not in ("mirror",):
        assert named in line or "no trace" in line


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("slot", [*LINES, *RUNS], ids=lambda slot: f"{slot[0]}-{slot[1]}")
def test_a_foreign_file_is_named_for_what_it_is_with_the_way_out(slot, name, call, place):
    line = refused(call, place, slot[2].replace("@", name))
    assert name in line
    assert FOREIGN[name][1] in line
    assert ": " in line.partition(FOREIGN[name][1])[2], "and what to do"


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("slot", [*FOLDERS, *CARDS], ids=lambda slot: f"{slot[0]}-{slot[1]}")
def test_a_foreign_file_in_place_of_a_folder_or_a_card_is_one_line(slot, name, call, place):
    line = refused(call, place, slot[2].replace("@", name))
    assert name in line


def test_every_parameter_that_reads_a_file_has_its_place_in_these_tables():
    covered = {(verb, parameter) for verb, parameter, _ in PLACES}
    reading = {
        (" ".join(path), parameter.name)
        for path, command in every_command()
        for parameter in command.params
        if isinstance(parameter.type, click.Path) and parameter.name not in WRITTEN | ANY_TEXT
    }
    assert len(reading) > 15
    assert reading <= covered


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("run --model replay --model_args released=gpt4o --tasks proactivebench_sample", "did you mean gpt-4o?"),
        ("run --model endpiont --tasks proactivebench_sample --output_path gone", "did you mean endpoint?"),
        ("run --model alwyas --tasks proactivebench_sample --output_path gone", "did you mean always?"),
        ("run --model always --tasks proactivebench-sample", "did you mean proactivebench_sample?"),
        (f"{RUN} --judge lexcial", "did you mean lexical?"),
        (f"{RUN} --judge silence=label,proposals=lexical", "did you mean labels"),
        (f"{RUN} --judge labels:majorty", "labels:unanimous or labels:majority"),
        (f"{RUN} --protocol standart", "did you mean standard"),
        (f"{RUN} --history owm", "'own' or 'observations'"),
        (f"{RUN} --gen_kwargs temprature=0", "did you mean temperature?"),
        (f"{RUN} --gen_kwargs temp=0", "did you mean temperature?"),
        (f"{RUN} --gen_kwargs Top-P=0.9", "did you mean top_p?"),
        (f"{RUN} --gen_kwargs max_gen_tokens=9", "did you mean max_gen_toks?"),
        (f"{RUN} --gen_kwargs frequencypenalty=1", "did you mean frequency_penalty?"),
        ("compare r r --metric recal", "did you mean recall"),
        ("compare r r --metric F1", "did you mean f1?"),
        ("compare r r --metric f9", "there are need_detection_recall, "),
        ("gate r r --metric needles_offer_rate", "did you mean needless_offer_rate"),
        ("power r r --metric precison", "did you mean precision"),
        ("plot r r --metric precison --output_path new", "did you mean precision"),
        ("compare r r --split codng", "there is no split 'codng': did you mean coding?"),
        ("gate r r --split writng", "did you mean writing?"),
        ("compare r r --judge labels-lexicl", "did you mean labels-lexical or"),
        ("gate r r --judge nobody", "no judge nobody decided"),
        ("show r code_umlaut", "did you mean code_umlauts?"),
        ("show r code_umlauts --judge labels-lexicl", "did you mean labels-lexical?"),
        ("data show code_umlaut", "did you mean code_umlauts?"),
        ("data show code_umlaut --tasks proactivebench_sample", "did you mean code_umlauts?"),
        ("data pull anwsers", "did you mean answers?"),
        ("data verify proactivbench", "did you mean proactivebench"),
        ("judges show lexcial", "did you mean lexical?"),
        ("judges validate lexcial", "did you mean lexical?"),
        ("judges attack lexcial", "did you mean lexical?"),
        ("judges train lexcial", "did you mean lexical?"),
        ("judge r --judge lexcial", "did you mean lexical?"),
        ("export r --to lm_eval --output_path new", "'lm-eval'"),
        ("run --model always --output_path new --tasks ", "no task is named: there are proactivebench"),
        ("show r code_umlauts --repeat 7", "--repeat takes 0 to 0"),
        ("power --difference nan", "a difference of nan cannot be planned for"),
        ("power --stderr inf", "--stderr inf is no standard error"),
        ("plot r --miss nan --output_path new", "--miss nan is no cost"),
        (f'{RUN} --gen_kwargs {{"top_k":NaN}}', "NaN is no number"),
        ("leaderboard validate entry --format jsn", "rich, json, github, markdown"),
        ("leaderboard submit entry --to folder:new", "dir:PATH"),
    ],
)
def test_a_word_that_nobody_knows_is_answered_with_the_nearest_or_all_there_are(words, says, call, place, monkeypatch):
    if "released=" in words:
        monkeypatch.setattr("proactivebench.traces.answers.release.read", _packed)
    assert says in refused(call, place, words)
    shutil.rmtree(place / "gone", ignore_errors=True)


def _packed(*_):
    import io
    import zipfile

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for model in ("gpt-4o", "gpt-4o-mini", "qwen2-7b"):
            archive.writestr(f"traces/{model}/a.json", "[]")
    return stream.getvalue()


@pytest.mark.parametrize("words", ["foo=1", "top_a=0.1,min_tokens=3,seed=7", "typical_p=1,min_p=.1", '{"top_k": 4}'])
def test_words_of_a_servers_own_pass_through(words, call, place):
    code, _, lines = call(f"{RUN} --limit 1 --gen_kwargs {words.replace(': ', ':')}")
    assert code == 0, lines
    decoding = json.loads((place / "new" / "manifest.json").read_text())["decoding"]
    assert decoding["extra"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- always\n", "a list, not a mapping"),
        ("always: {prompt: [\n", "no YAML"),
        ("prompt: 1\ncompletion: 2\n", "no prices for always"),
        ("alwyas: {prompt: 1, completion: 2}\n", "did you mean alwyas?"),
        ("always: {prompt: cheap, completion: 2}\n", "prices of always: prompt"),
        ("always: {prompt: .nan, completion: 2}\n", "prices of always: prompt"),
        ("always: {prompt: 1}\n", "prices of always: completion"),
        ("always: 3\n", "prices of always"),
        ("always: {prompt: 1, completion: 2}\nalways: {prompt: 3, completion: 4}\n", "sets 'always' twice"),
    ],
)
def test_prices_that_cannot_be_used_are_told_before_anything_is_asked(text, says, call, place):
    (place / "prices.yaml").write_text(text)
    assert says in refused(call, place, f"{RUN} --prices prices.yaml")
    assert says in refused(call, place, "score r --prices prices.yaml")


def test_gzipped_lines_are_read_wherever_lines_are(call, place):
    plain = {
        "t.jsonl": json.dumps({**TRACE, "labels": [{"need": False, "tasks": [{"task": "x", "votes": [True]}]}]}),
        "people.jsonl": json.dumps(
            {"trace_id": "code_umlauts", "turn": 0, "candidate": 0, "accepted": True, "random": True, "blind": True}
        ),
        "mine.jsonl": (place / "r" / "replies.jsonl").read_text(),
    }
    for name, text in plain.items():
        (place / name).write_text(text + "\n")
        (place / f"{name}.gz").write_bytes(gzip.compress((text + "\n").encode()))
        (place / name.removesuffix(".jsonl")).write_bytes(gzip.compress((text + "\n").encode()))

    def report(words):
        code, out, lines = call(words)
        assert code == 0, (words, lines)
        found = json.loads(out)
        return {key: value for key, value in found["task"].items() if key not in ("spec", "source")}, found["judges"]

    def alike(words, name):
        first, *others = (report(words.replace("@", one)) for one in (name, f"{name}.gz", name.removesuffix(".jsonl")))
        return [other == first for other in others]

    assert alike("run --model always --output_path new --json --tasks @", "t.jsonl") == [True, True]
    assert alike("score r --json --human_labels @", "people.jsonl") == [True, True]
    for name in ("mine.jsonl", "mine.jsonl.gz"):
        assert report(f"run --model replay --model_args path={name} {SAMPLE} --json")[1][0]["valid"]
    rows = (place / "rows.jsonl").read_bytes()
    (place / "rows.jsonl.gz").write_bytes(gzip.compress(rows))
    code, _, lines = call("judges audit-leaks rows.jsonl.gz rows.jsonl proactivebench_sample --json")
    assert (code, len(lines)) == (1, 1), "the same rows on both sides are a leak"


@pytest.mark.parametrize(
    "content",
    [b"\xef\xbb\xbf%s\n", b"%s\r\n", b"\n\n%s\n\n", b"%s"],
    ids=["byte order mark", "Windows line ends", "empty lines", "no last line end"],
)
def test_how_an_editor_saves_text_does_no_harm(content, call, place):
    (place / "saved.jsonl").write_bytes(content % json.dumps(TRACE).encode())
    code, _, lines = call("run --model always --output_path new --tasks saved.jsonl")
    assert code == 0, lines


def test_a_run_is_found_from_its_files_its_parent_and_its_misspelt_name(call, place):
    shutil.rmtree(place / "all", ignore_errors=True)
    shutil.copytree(place / "r", place / "all" / "parrot")
    assert "give its folder, r" in refused(call, place, "show r/manifest.json")
    assert "holds some: give one of all/parrot" in refused(call, place, "show all")
    assert "did you mean all/parrot?" in refused(call, place, "show all/parot")
    assert "did you mean all/parrot?" in refused(call, place, "compare r all/parot")
    assert "an entry of a board" in refused(call, place, "show entry")


def test_the_nearest_words_are_few_and_the_likeliest_first():
    known = ["gpt-4o", "gpt-4o-mini", "gpt-3.5-turbo", "qwen2-7b", "qwen2-72b"]
    assert nearest("GPT4O", known) == ["gpt-4o"], "only another way to write it"
    assert nearest("gpt4", known)[0] == "gpt-4o"
    assert len(nearest("qwen", [f"qwen{n}" for n in range(9)])) == 3
    assert did_you_mean("zzz", known) == ""
    assert did_you_mean("qwen2-7", known).startswith("did you mean qwen2-7b or qwen2-72b? ")
