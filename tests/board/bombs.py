"""Submissions that would cost more than they weigh: numbers no sum can hold, small files that unfold into much."""

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path

from .forging import REPLIES, declared, edited, lines, verdict_name, write_declared, write_lines, write_packed

Spoil = Callable[[Path], None]


def _every(name: str, **changes: object) -> Spoil:
    """All records of the replies or of the verdicts changed alike."""

    def edit(folder: Path) -> None:
        file = REPLIES if name == REPLIES else verdict_name(folder)
        write_lines(folder, file, [record | changes for record in lines(folder, file)])

    return edit


def _judged_by(**changes: object) -> Spoil:
    """The entry's judge said to be otherwise, under the id it has."""

    def edit(folder: Path) -> None:
        content = declared(folder)
        (judge,) = content["manifest"]["judges"].values()
        del judge["members"]
        judge |= {name: value(judge[name]) if callable(value) else value for name, value in changes.items()}
        write_declared(folder, content)

    return edit


def _replies(line: bytes, count: int) -> Spoil:
    def edit(folder: Path) -> None:
        write_packed(folder, REPLIES, gzip.compress((line + b"\n") * count), count)

    return edit


# name: (what is wrong, a word of what is said)
BOUNDS: dict[str, tuple[Spoil, str]] = {
    "tokens_no_float_holds": (_every(REPLIES, usage={"prompt_tokens": 10**400}), "usage.prompt_tokens"),
    "tokens_whose_sum_no_float_holds": (_every(REPLIES, usage={"completion_tokens": 10**308}), "completion_tokens"),
    "tokens_given_back": (_every(REPLIES, usage={"cached_tokens": -1}), "usage.cached_tokens"),
    "latency_whose_sum_is_infinite": (_every(REPLIES, latency_s=1.7e308), "latency_s"),
    "answers_before_the_question": (_every(REPLIES, latency_s=-5), "latency_s"),
    "attempts_without_end": (_every(REPLIES, attempts=10**4000), "attempts"),
    "turns_dropped_below_nothing": (_every(REPLIES, dropped_turns=-1), "dropped_turns"),
    "confidence_beyond_certainty": (_every(REPLIES, confidence=1e308), "confidence"),
    "confidence_below_doubt": (_every(REPLIES, confidence=-3.0), "confidence"),
    "need_beyond_certainty": (_every(REPLIES, p_need=2.0), "p_need"),
    "clipped_beyond_any_text": (_every("verdicts", clipped=10**30), "clipped"),
    "verdicts_of_an_eternity": (_every("verdicts", latency_s=1e300), "latency_s"),
    "verdicts_of_all_tokens": (_every("verdicts", usage={"reasoning_tokens": 10**20}), "usage.reasoning_tokens"),
    "no_repeats": (edited("manifest", "sessions", value=[{"started": "", "versions": {}, "repeats": 0}]), "repeats"),
    "no_candidates": (edited("manifest", "protocol", "candidates", value=0), "candidates"),
    "rounds_below_none": (edited("manifest", "protocol", "feedback_rounds", value=-1), "rounds"),
    "a_seed_of_4000_digits": (edited("manifest", "seed", value=10**4000), "seed"),
    "tokens_allowed_without_end": (edited("manifest", "decoding", "max_gen_toks", value=10**4000), "max_gen_toks"),
    "a_temperature_of_stars": (edited("manifest", "decoding", "temperature", value=1e308), "temperature"),
    "a_protocol_hash_that_climbs": (edited("manifest", "protocol", "hash", value="/../../x"), "protocol's hash"),
    "a_judge_hash_cut_off": (_judged_by(hash=lambda whole: whole[:8]), "64 hex digits"),
    "a_judge_hash_of_markup": (_judged_by(hash=lambda whole: whole[:8] + "<0>"), "64 hex digits"),
    "a_judge_who_asks_himself": (_judged_by(silence="labels+labels"), "twice"),
    "a_judge_of_six_thousand": (_judged_by(proposals="+".join(f"j{n}" for n in range(6000))), "chain"),
}
BOMBS: dict[str, Spoil] = {name: edit for name, (edit, _) in BOUNDS.items()}


def bomb(function: Spoil) -> Spoil:
    """Add to the bombs, by name."""
    BOMBS[function.__name__] = function
    return function


BOMBS |= {
    "a_fault_for_every_number": _replies(
        b'{"trace_id":"a","turn":0,"status":"silent","proposals":[' + b"0," * 200_000 + b"0]}", 20
    ),
    "a_fault_for_every_key": _replies(b"{" + b",".join(b'"%x":0' % number for number in range(45_000)) + b"}", 20),
    "a_fault_for_every_line": _replies(b"{}", 199_000),
    "empty_objects_by_the_thousand": _replies(b'{"a":[' + b"{}," * 170_000 + b"0]}", 40),
    "empty_objects_one_level_down": _replies(
        b'{"trace_id":"a","turn":0,"status":"silent","usage":{"x":[' + b"{}," * 160_000 + b"0]}}", 40
    ),
}


@bomb
def moments_that_call_for_a_million_verdicts(folder: Path) -> None:
    """16 offers, 9 rounds, 8 repeats, and one verdict that says all were judged 32 times."""
    content = declared(folder)
    content["manifest"]["sessions"] = [{"started": "", "versions": {}, "repeats": 8}]
    content["manifest"]["protocol"] |= {"candidates": 16, "feedback_rounds": 8}
    content["claims"] = {}
    write_declared(folder, content)
    offered = {"status": "proposed", "proposals": ["x"] * 16}
    moments = [{"trace_id": reply["trace_id"], "turn": reply["turn"]} for reply in lines(folder, REPLIES)]
    numbered = [{"repeat": repeat, "round": number} for repeat in range(8) for number in range(9)]
    write_lines(folder, REPLIES, [moment | where | offered for moment in moments for where in numbered])
    verdict = lines(folder, verdict_name(folder))[0] | moments[0]
    write_lines(folder, verdict_name(folder), [verdict | {"candidate": 0, "round": 8, "judge_repeat": 31}])


@bomb
def three_files_that_are_each_just_allowed(folder: Path) -> None:
    line = b'{"trace_id":"a","turn":0,"status":"accepted","judge":"x","question":"q"}\n'
    _judged_in_files(folder, 3, gzip.compress(line * 150_000), 150_000)


@bomb
def a_hundred_judges(folder: Path) -> None:
    _judged_in_files(folder, 100, gzip.compress(b""), 0)


@bomb
def a_file_whose_name_is_no_text(folder: Path) -> None:
    (folder / "\udcff\udcfe.txt").write_text("")


def _judged_in_files(folder: Path, count: int, packed: bytes, records: int) -> None:
    content = declared(folder)
    ((old, identity),) = content["manifest"]["judges"].items()
    (folder / verdict_name(folder)).unlink()
    del content["evidence"][f"verdicts/{old}.jsonl.gz"]
    content["claims"], content["manifest"]["judges"] = {}, {}
    for number in range(count):
        key = f"j-{number:08x}"
        content["manifest"]["judges"][key] = identity | {"id": key, "hash": f"{number:08x}" * 8, "card": {}}
        stated = {"sha256": hashlib.sha256(packed).hexdigest(), "bytes": len(packed), "records": records}
        content["evidence"][f"verdicts/{key}.jsonl.gz"] = stated
        (folder / "verdicts" / f"{key}.jsonl.gz").write_bytes(packed)
    write_declared(folder, content)
