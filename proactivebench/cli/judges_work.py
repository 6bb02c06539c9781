"""What the verbs of `proactivebench judges` do: load, ask, measure, write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from proactivebench.errors import BadArgument, DataError, InvalidRun, UnknownName, UsageError
from proactivebench.files import folder

if TYPE_CHECKING:
    from proactivebench.board.entry.form import Price
    from proactivebench.board.verify.judges import Repetition
    from proactivebench.cli.options import JudgeModel
    from proactivebench.judging import Judge, Opinion
    from proactivebench.preparation import Serving
    from proactivebench.records import Fingerprint, Measurement, Task
    from proactivebench.validation.attacks import AttackAudit
    from proactivebench.validation.items import ValidationItem
    from proactivebench.validation.leaks import TrainingRow
    from proactivebench.validation.people import LabelSet
    from proactivebench.validation.result import Validation

Progress = Callable[[int, int], None]
Say = Callable[[str], None]
RELEASE = "release"


def measure(
    name: str, judge_model: JudgeModel, given: str, items: str, serving: Serving, progress: Progress
) -> Validation:
    """Validate a judge on people's labels."""
    from proactivebench.evaluation import run_async
    from proactivebench.judging.base import started
    from proactivebench.judging.cards import load_card
    from proactivebench.judging.lexical.judge import LexicalCard
    from proactivebench.judging.spec import parse_spec, split_rule
    from proactivebench.validation.validate import validate

    if items not in ("all", "official"):
        raise BadArgument(f"--items {items}: use all (1,749 items) or official (120)")
    if items == "official" and given != RELEASE:
        raise BadArgument("--items official are 120 of the release's labels: leave it out beside --labels")
    judge = judge_model.judge(name, serving)
    cards = [load_card(split_rule(member)[0]) for member in parse_spec(name).members]
    if not all(card.fallible for card in cards):
        raise UsageError("labels are what judges are measured against: validate another judge")
    labels = labels_given(given)
    leaked = None
    if given == RELEASE and items == "all" and len(cards) == 1 and isinstance(cards[0], LexicalCard):
        from proactivebench.judging.lexical.leaked import leaked_judge

        leaked = leaked_judge(labels.rows)

    async def work() -> Validation:
        async with started(judge):
            return await validate(
                judge,
                labels,
                command=_command(name, judge_model, given, items),
                official_only=items == "official",
                leaked=leaked,
                progress=progress,
            )

    return run_async(work())


def take_fingerprint(
    judge_model: JudgeModel,
    serving: Serving,
    runs: Sequence[Path],
    *,
    again: bool,
    record: Path | None,
    progress: Progress,
    say: Say,
) -> tuple[Fingerprint, Measurement]:
    """The fingerprint of the paper's judge with this model behind it, kept for later runs and with `runs`, and what the
    judge's verdicts are worth by it. Raises `UsageError` for a run whose verdicts are another judge's."""
    from proactivebench.evaluation import run_async
    from proactivebench.judging import open_cache
    from proactivebench.judging.measurement import measurement_of
    from proactivebench.presets import PAPER
    from proactivebench.store import RunStore
    from proactivebench.validation.measuring import fingerprint

    stores = [RunStore(path) for path in runs]
    judges = [store.manifest.judges for store in stores]
    if record is not None:
        folder(record, "a board's folder, with entries/ in it")
    judge = judge_model.judge(PAPER.judge, serving, None if again else open_cache())
    for store, known in zip(stores, judges, strict=True):
        if judge.identity.id not in known:
            had = ", ".join(known) or "none"
            raise UnknownName(
                f"{store.path} has no verdicts of {judge.identity.id} (its judges: {had}): give the --judge_model_args "
                "it was judged with, weights= included"
            )
    found = run_async(fingerprint(judge, progress, again=again, say=say))
    for store in stores:
        store.amend(fingerprints=[found])
    if record is not None:
        from proactivebench.board.verify.judges import keep_fingerprint

        keep_fingerprint(record, found)
    return found, measurement_of(judge.identity, fingerprints=[found])


def submit(
    name: str,
    judge_model: JudgeModel,
    serving: Serving,
    items: str,
    price: Price | None,
    to: str,
    *,
    progress: Progress,
    say: Say,
) -> str:
    """Have a judge answer people's labels and send its verdicts to a board; returns where they lie. Raises `UsageError`
    for a judge that needs no measuring, `InvalidRun` where over 2 % of the verdicts are unscored."""
    from proactivebench.board.publish.submission import check_target, send
    from proactivebench.board.verify.judges import POPULATION, chosen_items, parcel_of
    from proactivebench.evaluation import run_async
    from proactivebench.judging import open_cache
    from proactivebench.validation.measuring import asking

    known = [one for one in ("sample", "official", "all") if one == items]
    if not known:
        raise BadArgument(f"--items {items}: use {', '.join(f'{word} ({what})' for word, what in POPULATION.items())}")
    check_target(to)
    judge = judge_model.judge(name, serving, open_cache())
    if judge.identity.baseline or not any(member.fallible for member in judge.identity.members):
        raise UsageError(f"{name} is a baseline or people's votes, which stand on every board: submit another judge")
    chosen = chosen_items(known[0])
    say(asking(judge.identity.id, len(chosen), judge.estimate([item.item for item in chosen])))
    opinions = run_async(_asked(judge, chosen, progress))
    return send(parcel_of(judge, known[0], chosen, opinions, price), to)


def reproduce(
    name: str, judge_model: JudgeModel, serving: Serving, board: Path, *, progress: Progress, say: Say
) -> Repetition:
    """Ask a judge of a board again, its model itself and no cache, and keep how far it says the same."""
    from proactivebench.board.verify.judges import FOLDER, keep_repetition, repetition_of
    from proactivebench.evaluation import run_async
    from proactivebench.validation.measuring import asking, refuse_unscored

    if not (board / FOLDER).is_dir():
        raise UsageError(f"{board} has no judges: a board keeps those that `judges submit` sends in {FOLDER}/")
    judge = judge_model.judge(name, serving)
    block, items, before = repetition_of(board, judge)
    say(asking(judge.identity.id, len(items), judge.estimate([item.item for item in items])))
    opinions = run_async(_asked(judge, items, progress))
    refuse_unscored(judge.identity.id, opinions, len(items))
    return keep_repetition(board, block, before, opinions)


async def _asked(judge: Judge, items: Sequence[ValidationItem], progress: Progress) -> list[Opinion | None]:
    from proactivebench.judging.base import started
    from proactivebench.validation.validate import ask

    async with started(judge):
        return await ask(judge, items, progress)


def attack(
    name: str,
    judge_model: JudgeModel,
    serving: Serving,
    *,
    tasks: str,
    contexts: int,
    margin: float,
    suite: Path | None,
    progress: Progress,
) -> AttackAudit:
    """Attack a judge."""
    from proactivebench.evaluation import run_async
    from proactivebench.judging.base import started
    from proactivebench.traces import given_task
    from proactivebench.validation import attacks

    judge = judge_model.judge(name, serving)
    task, hostile = given_task(tasks), attacks.read_suite(suite)
    moments = attacks.rejecting_contexts(task, contexts)

    async def work() -> AttackAudit:
        async with started(judge):
            data = f"{task.name} {task.data_hash[:12]}"
            return await attacks.attack(judge, moments, hostile, data=data, margin=margin, progress=progress)

    return run_async(work())


def train_lexical(name: str, given: str, output: Path | None) -> Path:
    """Train on people's labels and write the weights; returns where they lie."""
    from proactivebench.judging.cards import card_path, load_card
    from proactivebench.judging.lexical.judge import LexicalCard
    from proactivebench.judging.lexical.training import train, train_own
    from proactivebench.judging.writing import replace_file

    card = load_card(name)
    if not isinstance(card, LexicalCard):
        raise UsageError(f"judge {name} is not trained here: only lexical is")
    labels = labels_given(given)
    if labels.data is None:
        path, weights = output or card_path(name).parent / card.weights, train(labels.rows)
    elif output is None:
        raise BadArgument("weights from labels of your own need a file of their own: add --output_path weights.json")
    else:
        path, rule = output, labels.rules[0]
        rows = [item.row for item in labels.items if item.applies(rule)]
        command = f"proactivebench judges train lexical --labels {Path(given).name}"
        try:
            weights = train_own(rows, labels.data.name, command)
        except ValueError as error:
            raise DataError(f"{given}: cannot be trained on: {error}: collect more labels") from None
    replace_file(path, weights.model_dump_json(exclude_none=True) + "\n")
    return path


def card_for(weights: Path) -> str:
    """The least card that makes weights a judge."""
    return f"name: {weights.stem}\nkind: lexical\nweights: {weights.name}"


def labels_given(given: str) -> LabelSet:
    """The labels that `--labels` names: `release`, an annotation job's folder, FILE.jsonl, or hf:ORG/NAME. Raises
    `DataError`, and `UsageError` for a word that is none of these."""
    from proactivebench.traces import given_task
    from proactivebench.validation.people import is_known, own_labels, released_labels

    if given == RELEASE:
        return released_labels()
    task = _job_task(Path(given)) if _is_job(given) else given_task(given)
    if is_known(task):
        raise BadArgument(
            f"--labels {given}: these are the release's people, or invented votes, and none of yours: leave it out"
        )
    return own_labels(task, given)


def training_rows(source: str) -> list[TrainingRow]:
    """Rows of a file, of the release (`release:train`, `release:test`), or of people's labels of one's own."""
    from proactivebench.validation.leaks import read_training, rows_of

    return rows_of(labels_given(source)) if _is_job(source) else read_training(source)


def _is_job(given: str) -> bool:
    return (Path(given).expanduser() / "job.json").is_file()


def _job_task(path: Path) -> Task:
    """The sessions of an annotation job with what people said of them. Raises `UsageError` where nobody voted, and
    `DataError`."""
    from proactivebench.annotation.job import JobFolder
    from proactivebench.annotation.merging import labelled_traces
    from proactivebench.records import Task, Trace

    folder = JobFolder(path.expanduser())
    job = folder.job
    return Task(
        name=job.name,
        version="0",
        revision=job.data_hash[:12],
        licence=job.licence,
        date=job.made.date().isoformat(),
        source=path.name,
        traces=tuple(trace for trace in labelled_traces(folder).records if isinstance(trace, Trace)),
    )


def check_unscored(found: Validation) -> None:
    """Raise InvalidRun where more than 2 % of the verdicts are unscored: such a measurement is not kept."""
    from proactivebench.scoring.report import MOST_UNSCORED

    share = found.blocks[0].unscored_share
    if share > MOST_UNSCORED:
        causes = ", ".join(f"{cause} {count}" for cause, count in found.blocks[0].causes.items())
        raise InvalidRun(f"{share:.1%} of the verdicts are unscored ({causes}): nothing is written back")


def write_back_to(name: str, found: Validation) -> None:
    """Write the measured block into the judge's own card; a composition has none, nor has a judge named without one.
    What people of a user's own say goes into the cache, which later runs look into, and into a card of the user's own,
    never into a shipped one."""
    from proactivebench.judging.cards import card_names, card_path, has_card
    from proactivebench.judging.kept import keep
    from proactivebench.judging.spec import parse_spec
    from proactivebench.judging.writing import write_measured

    members = parse_spec(name).members
    if len(members) != 1:
        return
    if found.people is not None:
        keep(found.measured())
    if has_card(members[0]) and not (found.people is not None and members[0] in card_names()):
        write_measured(card_path(members[0]), found.measured())


def _command(name: str, judge_model: JudgeModel, given: str, items: str) -> str:
    said = f" --items {items}" if given == RELEASE else f" --labels {Path(given).name}"
    return f"proactivebench judges validate {Path(name).name}{judge_model.words}{said}"
