"""Any lm-eval backend as an agent: `hf`, `vllm`, `anthropic-chat`, `local-chat-completions`, … by name, or an instance.

An engine in this process gets one batch a turn over all traces (lockstep). A backend that talks HTTP gets every
conversation by itself, so that traces run freely and one failing call costs one answer (see `lm_eval_http`).
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from proactivebench import plugins
from proactivebench.errors import BadArgument, NotInstalled, OtherRun, UnknownName, UsageError
from proactivebench.installing import how_to_get
from proactivebench.models.base import Answer, Failure, Message, Model, ModelCall, Request
from proactivebench.models.context import RULE, fit
from proactivebench.models.endpoint.errors import TooLarge, Transient, failed
from proactivebench.models.endpoint.wants import no_system_role
from proactivebench.models.lm_eval.request import SystemRole, generation_arguments, instance, render
from proactivebench.models.secrets import refuse_secrets
from proactivebench.models.server_meaning import too_large
from proactivebench.models.server_words import one_line
from proactivebench.naming import did_you_mean
from proactivebench.parameters import Parameters
from proactivebench.plugins import Contract
from proactivebench.records import AgentIdentity, Decoding, digest
from proactivebench.together import together

if TYPE_CHECKING:
    from lm_eval.api.model import LM

    from proactivebench.models.lm_eval.http import HttpCalls

_log = logging.getLogger(__name__)


class LmEvalModel(Model):
    """`LmEvalModel(model, model_args, batch_size=…, device=…, concurrency=…)`: the backend is created by `start`.

    `concurrency` counts only for HTTP backends whose arguments do not say `num_concurrent`.
    """

    lockstep = True

    def __init__(
        self,
        model: str,
        model_args: Mapping[str, str] | None = None,
        *,
        batch_size: int | str | None = None,
        device: str | None = None,
        concurrency: int = 1,
        lm: LM | None = None,
    ) -> None:
        arguments = dict(model_args or {})
        refuse_secrets(arguments)
        self.identity = AgentIdentity(model=model, model_args=arguments, name=shown_name(model, arguments))
        self._create: Callable[[], LM] = lambda: create_backend(model, arguments, batch_size=batch_size, device=device)
        self._given = lm
        self._concurrency = concurrency
        self._lm: LM | None = lm
        self._http: HttpCalls | None = None
        self._system = SystemRole()
        self._parameters = Parameters()

    @classmethod
    def of(cls, call: ModelCall) -> LmEvalModel:
        """The backend that a call names."""
        return cls(call.word, call.args, batch_size=call.batch_size, device=call.device, concurrency=call.concurrency)

    @classmethod
    def around(cls, lm: LM, *, model: str, model_args: Mapping[str, str] | None = None) -> LmEvalModel:
        """An agent that speaks through an existing lm-eval model, and leaves it as it was on `close`."""
        return cls(model, model_args, lm=lm)

    def attach(self, parameters: Parameters) -> None:
        """Take up what earlier sittings of the run found."""
        self._parameters = parameters

    async def start(self) -> dict[str, Any]:
        """Load the backend. Raises `UsageError` where its name, arguments or packages do not allow it, or where it is
        not what the run has had so far."""
        if self._lm is None:
            self._lm = await asyncio.to_thread(self._create)
        if speaks_http(self._lm):
            from proactivebench.models.lm_eval.http import HttpCalls

            stated = self._given is not None or "num_concurrent" in self.identity.model_args
            self._http = HttpCalls(self._lm, concurrency=None if stated else self._concurrency)
            self.lockstep = False
        limit = self._limit()
        found: dict[str, Any] = {} if limit is None else {"max_length": limit, "context_rule": RULE}
        found |= self._http.remarks() if self._http else {}
        self._system.merged = self._parameters.get().get("system_role") is False
        self._check(found)
        return found

    def _check(self, found: Mapping[str, Any]) -> None:
        before = self._parameters.get()
        differing = [
            f"{name}: {before[name]} then, {value} now"
            for name, value in found.items()
            if before.get(name, value) != value
        ]
        if differing:
            raise OtherRun(
                f"the model is not what this run has had so far ({'; '.join(differing)}): load it as it was, or give "
                "another --output_path"
            )

    async def complete_all(self, requests: Sequence[Request]) -> list[Answer]:
        """The answers to several conversations: one `generate_until` over all, or one call each over HTTP."""
        if self._lm is None:
            await self.start()
        if self._http is not None:
            prepared = [self._prepare(request) for request in requests]
            return await together(self._ask_http(r, p) for r, p in zip(requests, prepared, strict=True))
        return await asyncio.to_thread(self._ask_engine, requests)

    async def close(self) -> None:
        """Let go of a backend created here; give one from outside back untouched."""
        if self._http is not None:
            await self._http.close()
            self._http = None
        self._lm = self._given

    # --- asking -------------------------------------------------------------------------------------------------------

    async def _ask_http(self, request: Request, prepared: tuple[Any, int] | Answer) -> Answer:
        if isinstance(prepared, Answer):
            return prepared
        assert self._http is not None  # noqa: S101 - narrowed for the type checker
        prompt, dropped = prepared
        answer = await self._http.ask(prompt, request)
        if answer.failure is Failure.REFUSED and no_system_role(answer.error or ""):
            before, self._system.merged = self._system.merged, True
            if (merged := self._prepare(request)) != prepared:
                again = await self._ask_http(request, merged)
                if again.failure is None:
                    self._parameters.settle({"system_role": False})
                else:
                    self._system.merged = before
                return replace(again, attempts=answer.attempts + again.attempts)
        return replace(answer, dropped_turns=dropped)

    def _ask_engine(self, requests: Sequence[Request]) -> list[Answer]:
        answers: list[Answer | None] = []
        asked: list[tuple[int, Any, int]] = []
        for place, request in enumerate(requests):
            prepared = self._prepare(request)
            answers.append(prepared if isinstance(prepared, Answer) else None)
            if not isinstance(prepared, Answer):
                asked.append((place, *prepared))
        if asked:
            batch = self._generate([(requests[place], prompt) for place, prompt, _ in asked])
            for (place, _, dropped), answer in zip(asked, batch, strict=True):
                answers[place] = replace(answer, dropped_turns=dropped)
        return [answer for answer in answers if answer is not None]

    def _generate(self, batch: Sequence[tuple[Request, Any]]) -> list[Answer]:
        started = time.perf_counter()
        try:
            _seed_torch([request for request, _ in batch])
            texts = self._backend.generate_until(
                [instance(prompt, self._gen_kwargs(request)) for request, prompt in batch], disable_tqdm=True
            )
            if len(texts) != len(batch):
                raise RuntimeError(f"{len(texts)} answers to {len(batch)} requests")
        except UsageError:
            raise
        except Exception as error:  # whatever an engine throws costs this batch, never the run
            _log.debug("the backend failed", exc_info=True)
            if len(batch) > 1 and has_tokenizer(self._backend):  # in this process: asking again costs no money
                return [answer for one in batch for answer in self._generate([one])]
            reason = one_line(f"{type(error).__name__}: {error}")
            fault = TooLarge(reason) if too_large(str(error)) else Transient(reason)
            return [failed(fault) for _ in batch]
        seconds = time.perf_counter() - started
        return [
            Answer(
                text=text or "",
                truncated=self._truncated(text or "", request.decoding),
                latency_s=seconds,
                in_process=True,
            )
            for (request, _), text in zip(batch, texts, strict=True)
        ]

    def _prepare(self, request: Request) -> tuple[Any, int] | Answer:
        """The prompt within the context limit and the turns dropped for it, or the answer where nothing would fit."""
        limit = self._limit()
        if limit is None:
            return render(self._backend, request.messages, self._system), 0
        budget = limit - request.decoding.max_gen_toks
        if budget <= 0:
            raise BadArgument(
                f"max_gen_toks={request.decoding.max_gen_toks} leaves no room for a prompt in a context of {limit} "
                "tokens: give a lower max_gen_toks with --gen_kwargs"
            )
        messages, dropped = fit(request.messages, budget, self._count)
        if (tokens := self._count(messages)) > budget:
            reason = f"the newest event and the instructions alone take {tokens} tokens, {budget} are left for them"
            return replace(failed(TooLarge(reason)), dropped_turns=dropped)
        return render(self._backend, messages, self._system), dropped

    # --- what the backend knows ---------------------------------------------------------------------------------------

    @property
    def _backend(self) -> LM:
        if self._lm is None:
            raise RuntimeError("start the agent before asking it")
        return self._lm

    def _limit(self) -> int | None:
        """Tokens of prompt and answer together; None where nobody can count or nobody said."""
        if not has_tokenizer(self._backend):
            return None
        if speaks_http(self._backend) and "max_length" not in self.identity.model_args:
            return None  # lm-eval assumes 2048 for every server: a guess, not a limit
        limit = getattr(self._backend, "max_length", None)
        return int(limit) if limit else None

    def _count(self, messages: Sequence[Message]) -> int:
        prompt = render(self._backend, messages, self._system, as_text=True)
        return len(self._backend.tokenizer.encode(prompt, add_special_tokens=False))

    def _truncated(self, text: str, decoding: Decoding) -> bool:
        if not has_tokenizer(self._backend):
            return False
        return len(self._backend.tokenizer.encode(text, add_special_tokens=False)) >= decoding.max_gen_toks

    def _gen_kwargs(self, request: Request) -> dict[str, Any]:
        takes_seed = type(self._backend).__name__ == "VLLM"
        return generation_arguments(request, with_seed=takes_seed)


def create_backend(
    model: str, model_args: Mapping[str, str], *, batch_size: int | str | None = None, device: str | None = None
) -> LM:
    """The lm-eval model of that name, its arguments read as lm-eval reads them. Raises `UsageError` in one line."""
    import lm_eval.models  # noqa: F401 - before the registry: a registry that is not empty hides the built-in models
    from lm_eval.api.registry import get_model
    from lm_eval.utils import handle_arg_string

    try:
        backend = get_model(model)
    except (KeyError, ValueError):
        raise UnknownName(
            f"'{model}' is no agent of ours and no lm-eval backend: {_nearest_model(model)}"
            "see `proactivebench agents` for both"
        ) from None
    except ImportError as error:
        raise NotInstalled(_not_installed(model, error)) from error
    arguments = {name: handle_arg_string(value) for name, value in model_args.items()}
    sizes: dict[str, Any] = {"batch_size": batch_size, "max_batch_size": None, "device": device}
    if device is None and "device" not in arguments:
        sizes["device"] = _own_device(backend)
    try:
        return backend.create_from_arg_obj(arguments, sizes)
    except ImportError as error:
        raise NotInstalled(_not_installed(model, error)) from error
    except Exception as error:
        given = ",".join(f"{name}={value}" for name, value in model_args.items()) or "nothing"
        raise BadArgument(f"lm-eval's '{model}' cannot start with {given}: {_first_line(error)}") from error


def _nearest_model(model: str) -> str:
    from lm_eval.api.registry import model_registry

    ours = [plug.word for contract in (Contract.AGENT, Contract.MODEL) for plug in plugins.plugs(contract)]
    return did_you_mean(model, {*ours, *model_registry})


def _own_device(backend: type[LM]) -> str | None:
    """What this machine has, where transformers are asked: lm-eval takes CUDA for granted, and fails without it."""
    torch, module = sys.modules.get("torch"), sys.modules.get("lm_eval.models.huggingface")
    if torch is None or module is None or not issubclass(backend, module.HFLM) or torch.cuda.is_available():
        return None
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _not_installed(model: str, error: ImportError) -> str:
    if not error.name:  # lm-eval's own words, which name the package
        return f"lm-eval's '{model}' needs a package that is not installed: {_first_line(error)}"
    package = error.name.partition(".")[0]
    return f"lm-eval's '{model}' needs {package}, which is not installed here: {how_to_get(package)}"


def shown_name(model: str, model_args: Mapping[str, str]) -> str:
    """What a table calls the agent: the model's own name, without the folder it lies in."""
    named = model_args.get("pretrained") or model_args.get("model") or model
    return named.rstrip("/").rsplit("/", 1)[-1] if named.startswith(("/", ".", "~")) else named


def speaks_http(lm: LM) -> bool:
    """Whether the backend is one of lm-eval's clients of a server."""
    module = sys.modules.get("lm_eval.models.api_models")
    return module is not None and isinstance(lm, module.TemplateAPI)


def has_tokenizer(lm: LM) -> bool:
    """Whether the backend can count tokens in this process."""
    return hasattr(getattr(lm, "tokenizer", None), "encode")


def _seed_torch(requests: Sequence[Request]) -> None:
    """The same batch draws the same samples, whatever was generated before it."""
    torch = sys.modules.get("torch")
    if torch is not None and any(request.decoding.temperature > 0 for request in requests):
        asked = [[request.messages, request.seed] for request in requests]
        torch.manual_seed(int(digest(asked)[:15], 16))


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
