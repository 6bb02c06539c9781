"""What a board's maintainers would have found out: models asked again, verdicts decided again, judges measured."""

from pathlib import Path

from proactivebench.board.entry.evidence import read_evidence
from proactivebench.board.publish.output import entry_folders
from proactivebench.board.verify.decided import DecidedAgain, write_decision
from proactivebench.board.verify.reproduction import Reproduction, write_reproduction
from proactivebench.judging.kept import keep
from proactivebench.records import FINGERPRINT, ErrorCount, Fingerprint, JudgeErrors, Measured, NeedRule


def reproduced(root: Path, *keys: str, **changes) -> None:
    """The maintainers asked the models of these entries again (default: of all) and found them as submitted."""
    for folder in entry_folders(root):
        key = "/".join(folder.parts[-2:])
        if not keys or key in keys:
            said = {
                "entry": key,
                "digest": read_evidence(folder).digest,
                "model": "endpoint helper",
                "date": "2025-06-01",
                "traces": ("a", "b", "c"),
                "moments": 40,
                "agreed": 37,
                "interval": (0.8, 0.98),
                "passed": True,
            }
            write_reproduction(root, Reproduction(**said | changes))


def decided(root: Path, *keys: str, otherwise: int = 0) -> None:
    """The maintainers had the open verdicts of these entries (default: of all) decided again by their own judges."""
    for folder in entry_folders(root):
        key = "/".join(folder.parts[-2:])
        if not keys or key in keys:
            evidence = read_evidence(folder)
            for judge in evidence.entry.manifest.judges.values():
                asked = len(evidence.verdicts[judge.id])
                again = DecidedAgain(
                    judge_hash=judge.hash, date="2025-06-01", asked=asked, otherwise=otherwise, favoured=otherwise
                )
                write_decision(root, key, evidence.digest, judge.id, again)


def measured(judge: str, judge_hash: str, lower: float = 0.6) -> Measured:
    """A judge's measurement on people's labels, offers and silences; `lower` ends its intervals."""
    count = ErrorCount(correct=40, items=60)
    found = Measured(
        judge=judge,
        date="2025-06-01",
        data="labels",
        data_hash="e" * 64,
        command="judges validate",
        design="direct",
        rule=NeedRule.UNANIMOUS,
        items=240,
        errors=JudgeErrors(
            judge_hash=judge_hash,
            correct_detection=count,
            false_alarm=count,
            correct_rejection=count,
            missed_need=count,
            population="labels",
        ),
        figures={"balanced_accuracy_offers": 0.67, "balanced_accuracy_silences": 0.67},
        intervals={"balanced_accuracy_offers": (lower, 0.74), "balanced_accuracy_silences": (lower, 0.74)},
    )
    keep(found)
    return found


def fingerprinted(judge: str, judge_hash: str, off: int = 0) -> None:
    """The fingerprint of the paper's judge was taken; `off`: so many answers away from the published ones."""
    counts = {name: ErrorCount(correct=right - off, items=30) for name, right in FINGERPRINT.items()}
    keep(Fingerprint(judge=judge, judge_hash=judge_hash, data_hash="e" * 64, date="2025-06-01", counts=counts))
