"""Which weights stand behind a judge: declared for a served model, hashed where they lie on this machine."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from proactivebench.errors import BadArgument, DataError, OtherRun
from proactivebench.judging.measurement import PAPER_WEIGHTS, UNDECLARED
from proactivebench.judging.training_data import ARGUMENT
from proactivebench.records import JudgeIdentity

DECLARED = (
    "weights",
    "dtype",
    "engine",
    ARGUMENT,
)  # arguments of a judge's model that say what it is, and are not sent to it
_IN_PROCESS = {"hf", "huggingface", "hf-auto", "vllm", "sglang", "hf-multimodal", "vllm-vlm"}
_REVISION = re.compile(r"[\w.-]+/[\w.-]+@[\w./-]+")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_WEIGHT_FILES = ("*.safetensors", "*.bin", "*.gguf", "*.pt", "*.pth")
_CHUNK = 1 << 22


@dataclass(frozen=True, slots=True)
class Behind:
    """The model behind a judge: its arguments without what only declares it; `weights` as they are known (None: not);
    `runtime`, how it is run: numeric type and engine, where said."""

    args: dict[str, str]
    weights: str | None = None
    runtime: dict[str, str] = field(default_factory=dict)


def behind(model: str, model_args: Mapping[str, str], *, hashed: bool) -> Behind:
    """What `--judge_model` and `--judge_model_args` say of the weights behind a judge.

    A served model has the weights that `weights=HUB@REVISION` declares. Of a model in this process the files
    themselves speak, where `hashed` asks for it: `sha256:` over those of a folder, or the revision of a Hub model.
    Raises `UsageError` for weights that say nothing, or where the files in process speak for themselves.
    """
    args = {name: value for name, value in model_args.items() if name not in ("weights", ARGUMENT)}
    declared = model_args.get("weights")
    if declared is not None and not (_REVISION.fullmatch(declared) or _DIGEST.fullmatch(declared)):
        raise BadArgument(
            f"weights={declared:.80}: say which weights are served as HUB_NAME@REVISION (for the paper's "
            f"{PAPER_WEIGHTS}@REVISION) or sha256:DIGEST"
        )
    in_process = model in _IN_PROCESS
    runtime = {name: args[name] for name in ("dtype", "engine") if args.get(name)}
    if in_process:
        runtime.setdefault("engine", model)
        args.pop("engine", None)
    else:
        args = {name: value for name, value in args.items() if name not in DECLARED}
    if not (in_process and hashed):
        return Behind(args, declared, runtime)
    if declared is not None:
        raise BadArgument("weights= declares what a server holds; in this process the files speak: leave it out")
    return Behind(args, _local(args), runtime)


def refuse_other_weights(stored: JudgeIdentity | None, judge: JudgeIdentity) -> None:
    """Raise `UsageError` where a run has verdicts of a judge with undeclared weights, and another model would go on in
    its name: nobody could tell whose verdicts are whose."""
    if stored is not None and judge.weights == UNDECLARED and stored.model != judge.model:
        raise OtherRun(
            f"{judge.id} has judged here with the model {stored.model}, whose weights are undeclared, and "
            f"{judge.model} may be others: declare weights=HUB_NAME@REVISION in --judge_model_args, or judge another "
            "copy of the run"
        )


def _local(args: Mapping[str, str]) -> str | None:
    """The weights of a model in process: by its files where it is a folder, else its Hub revision; None where neither
    is known."""
    name = args.get("pretrained") or args.get("model")
    if not name:
        return None
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _digest(folder)
    revision = args.get("revision", "main")
    return f"{name}@{revision}" if re.fullmatch("[0-9a-f]{40}", revision) else _resolved(name, revision)


def _resolved(name: str, revision: str) -> str | None:
    """The commit a revision of a Hub model stands for: as downloaded, else as the Hub says now."""
    from huggingface_hub import HfApi, try_to_load_from_cache

    try:
        found = try_to_load_from_cache(name, "config.json", revision=revision)
        if isinstance(found, str):
            return f"{name}@{Path(found).parent.name}"
        return f"{name}@{HfApi().model_info(name, revision=revision, timeout=10).sha}"
    except Exception:  # whatever the Hub's client raises, the weights are then unknown
        return None


def _digest(folder: Path) -> str:
    """sha256 over the names and contents of a folder's weight files. Raises `DataError` where one cannot be read."""
    files = sorted({file for pattern in _WEIGHT_FILES for file in folder.rglob(pattern) if file.is_file()})
    if not files:
        raise DataError(f"{folder} holds no weights ({', '.join(_WEIGHT_FILES)}): give the folder of a model")
    whole = hashlib.sha256()
    try:
        for file in files:
            with file.open("rb") as opened:
                own = hashlib.sha256()
                while block := opened.read(_CHUNK):
                    own.update(block)
            whole.update(f"{file.relative_to(folder).as_posix()} {own.hexdigest()}\n".encode())
    except OSError as error:
        raise DataError(f"cannot read the weights in {folder}: {error.strerror}") from error
    return f"sha256:{whole.hexdigest()}"
