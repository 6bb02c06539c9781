"""From what the user asks for to the parts a run needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from proactivebench.agents import REPLAY, create_agent, is_baseline
from proactivebench.agents.base import Actor, Call
from proactivebench.agents.programs.given import agent_given
from proactivebench.agents.programs.program import Program
from proactivebench.agents.replay.origin import Origin, origin_of
from proactivebench.errors import BadArgument, UnknownName
from proactivebench.evaluation import Evaluation, Known, run_async
from proactivebench.judging import create_judge, default_spec, open_cache
from proactivebench.judging.base import Judge
from proactivebench.judging.identity import token_limits
from proactivebench.models import create_model
from proactivebench.models.base import Model
from proactivebench.models.secrets import refuse_secrets
from proactivebench.naming import nearest
from proactivebench.presets import fixed, preset_named
from proactivebench.protocols import READER, RELEASED, load_protocol, protocol_of
from proactivebench.protocols.base import Protocol
from proactivebench.records import Decoding, Task
from proactivebench.store import first_problem
from proactivebench.terms import check_terms
from proactivebench.traces import given_task, trace_hashes
from proactivebench.traces.kept import spec_of_word

if TYPE_CHECKING:
    from proactivebench.scoring.efficiency import Prices

# What servers call them: passed on beside ours, they would silently lose against the protocol's own.
_SYNONYMS = {
    "max_tokens": "max_gen_toks",
    "max_completion_tokens": "max_gen_toks",
    "max_new_tokens": "max_gen_toks",
    "stop": "until",
}


_OWN_WORDS = ("temperature", "top_p", "max_gen_toks", "until", "do_sample")
# Words that servers and engines know: not misspelt, however like one of ours.
_SERVERS_WORDS = """
    top_k top_a min_p typical_p min_tokens seed n best_of presence_penalty frequency_penalty repetition_penalty
    length_penalty no_repeat_ngram_size num_beams early_stopping logit_bias logprobs top_logprobs ignore_eos
    stop_token_ids skip_special_tokens include_stop_str_in_output bad_words chat_template_kwargs enable_thinking
    thinking thinking_budget reasoning reasoning_effort verbosity response_format guided_json guided_regex
    guided_choice guided_grammar structured_outputs grammar mirostat mirostat_tau mirostat_eta tfs_z cache_prompt
    n_predict priority user metadata service_tier store stream tools tool_choice parallel_tool_calls extra_body
""".split()  # noqa: SIM905
_AS_GOOD_AS = 0.82  # so like a known word that another one is hardly meant: "temprature", not "top_h"


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """How models are called: nothing of it changes what they are asked. Raises `UsageError` for what cannot be."""

    concurrency: int = 16
    timeout_s: float = 120.0
    max_retries: int = 5
    batch_size: str = "1"
    device: str | None = None

    def __post_init__(self) -> None:
        check_terms(asdict(self))

    def agent(
        self,
        model: str,
        model_args: Mapping[str, str],
        protocol: Protocol | None = None,
        task: Task | None = None,
        given: Any = None,
    ) -> Actor:
        """The agent `model` names, or the object `given` in its place, called this way."""
        if given is not None:
            return agent_given(given, Call(word=model, args=model_args, protocol=protocol, task=task, **asdict(self)))
        return create_agent(model, model_args, protocol=protocol, task=task, **asdict(self))

    def model(self, word: str, args: Mapping[str, str]) -> Model:
        """The model behind a judge, called this way."""
        return create_model(word, args, **asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the user asks for, in the words of the command line. Raises `UsageError` for a value that no run can have;
    whether names are known is found out by `prepare`."""

    model: str
    tasks: str | None = None  # a preset names one; without a preset it is needed
    preset: str | None = None
    model_args: Mapping[str, str] = field(default_factory=dict)
    judge: str | None = None  # None = the default of the task
    judge_model: str | None = None
    judge_model_args: Mapping[str, str] = field(default_factory=dict)
    judge_gen_kwargs: Mapping[str, Any] = field(default_factory=dict)  # over what judges' cards say; other judges then
    predict_only: bool = False
    protocol: str | None = None  # None = standard, and for replayed answers the one they were given under
    history: str | None = None
    candidates: int | None = None
    feedback_rounds: int | None = None
    feedback_judge: str | None = None
    gen_kwargs: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    repeats: int = 1
    judge_repeats: int = 1
    judge_cache: bool = False  # a judge's model is asked the same question once, across runs
    measure_judge: bool = False  # the judge answers a sample of people's labels first, unless that was done before
    limit: int | None = None
    serving: Serving = field(default_factory=lambda: Serving())

    def __post_init__(self) -> None:
        check_terms({name: getattr(self, name) for name in self.__slots__})


@dataclass(frozen=True, slots=True, kw_only=True)
class Objects:
    """What is given as objects in place of words: whoever acts, the data, who decides, how a moment is put to models,
    and the model behind a judge."""

    agent: Any = None
    task: Task | None = None
    judge: Any = None
    feedback_judge: Judge | None = None
    protocol: Protocol | None = None
    judge_model: Model | None = None


def prepare(settings: Settings, objects: Objects | None = None) -> Evaluation:
    """Make the parts a run needs; what stands in `objects` is taken in place of its word.

    Raises `UsageError` or `DataError`, in one line, for whatever cannot be had.
    """
    settings, objects = with_preset(settings), objects or Objects()
    if settings.predict_only and settings.measure_judge:
        raise BadArgument("--predict_only asks no judge, so that there is none to measure: leave one of the two")
    task = objects.task or given_task(settings.tasks or "")
    judge = None if settings.predict_only else _judge_of(settings, task, objects)
    adviser = objects.feedback_judge or (judge if settings.feedback_rounds and not settings.feedback_judge else None)
    advising = adviser.identity.id if adviser else settings.feedback_judge
    origin = _origin(settings) if settings.model == REPLAY else None
    protocol = objects.protocol or (_protocol(settings, advising) if origin is None else _replayed(settings, origin))
    check_asked(protocol, settings.model)
    feedback = None
    if origin is None and protocol.identity.feedback_rounds:
        own = judge is not None and protocol.identity.feedback_judge == judge.identity.id
        feedback = objects.feedback_judge or (
            judge if own else judge_for(settings, protocol.identity.feedback_judge, task, objects)
        )
        if judge and feedback and feedback.identity.id == judge.identity.id:
            feedback = judge  # one log, one writer
        protocol = objects.protocol or _protocol(settings, feedback.identity.id if feedback else None)
    check_judge_decoding(settings, judge, feedback)
    agent = settings.serving.agent(settings.model, settings.model_args, protocol, task, objects.agent)
    return Evaluation(
        task=task,
        agent=agent,
        protocol=protocol,
        decoding=_decoding_of(agent, settings, protocol) if origin is None else origin.decoding,
        judge=judge,
        feedback=feedback,
        task_spec=spec_of_word(settings.tasks or "", task),
        preset=settings.preset,
        seed=settings.seed,
        repeats=settings.repeats,
        judge_repeats=settings.judge_repeats,
        limit=settings.limit,
        concurrency=_concurrency(settings),
    )


def with_preset(settings: Settings) -> Settings:
    """The settings with what their preset fixes. Raises `UsageError` for an unknown preset, and for a protocol or judge
    that is not the preset's."""
    if settings.preset is None:
        return settings
    preset = preset_named(settings.preset)
    return replace(
        settings,
        tasks=settings.tasks or preset.tasks,
        protocol=fixed(preset, "--protocol", settings.protocol, preset.protocol),
        judge=fixed(preset, "--judge", settings.judge, preset.judge),
    )


def check_asked(protocol: Protocol, model: str) -> None:
    """Raise `UsageError` where `model` would have to be asked under a protocol that only reads answers."""
    if protocol.identity.name == RELEASED and not (model == REPLAY or is_baseline(model)):
        raise BadArgument(
            f"the protocol {RELEASED} reads answers given elsewhere and asks nothing: "
            f"choose standard or paper for {model}"
        )


def replayed(evaluation: Evaluation, origin: Origin) -> Evaluation:
    """`evaluation` of answers from `origin`: under their own protocol and decoding, whatever was asked for here."""
    protocol = protocol_of(origin.protocol) if origin.protocol else load_protocol(RELEASED)
    return replace(evaluation, protocol=protocol, decoding=origin.decoding)


def _origin(settings: Settings) -> Origin:
    """Where the answers come from. Raises `UsageError` for settings that would say how to ask for them."""
    origin = origin_of(settings.model_args)
    if settings.gen_kwargs:
        raise BadArgument("--gen_kwargs says how a model answers, and replayed answers are given already: leave it out")
    terms = ("history", "candidates", "feedback_rounds", "feedback_judge")
    for name in terms if origin.protocol else terms[2:]:
        given = getattr(settings, name)
        known = getattr(origin.protocol, name) if origin.protocol else None
        if given is not None and given != known:
            said = RELEASED if origin.protocol is None else f"{origin.protocol.name}, {name} {known}"
            raise BadArgument(
                f"--{name} {given}: replayed answers keep the protocol they were given under ({said}): leave it out"
            )
    return origin


def _replayed(settings: Settings, origin: Origin) -> Protocol:
    """The protocol of replayed answers. Raises `UsageError` where another one is asked for."""
    if origin.protocol is None:
        protocol = load_protocol(RELEASED, history=settings.history, candidates=settings.candidates)
    else:
        protocol = protocol_of(origin.protocol)
    if settings.protocol not in (None, protocol.identity.name):
        wanted = _protocol(settings, None).identity
        if wanted.hash != protocol.identity.hash:
            raise BadArgument(
                f"--protocol {settings.protocol}: replayed answers keep the protocol they were given under "
                f"({protocol.identity.name}): leave it out"
            )
    return protocol


def _concurrency(settings: Settings) -> int:
    """Traces under way at once: what the model's own `num_concurrent` says wins, as it does for its requests."""
    given = settings.model_args.get("num_concurrent", "")
    return int(given) if given.isdecimal() and int(given) else settings.serving.concurrency


def _protocol(settings: Settings, feedback_judge: str | None) -> Protocol:
    return load_protocol(
        settings.protocol or READER,
        history=settings.history,
        candidates=settings.candidates,
        feedback_rounds=settings.feedback_rounds,
        feedback_judge=feedback_judge,
    )


def _judge_of(settings: Settings, task: Task, objects: Objects) -> Judge:
    if isinstance(objects.judge, Judge):
        return objects.judge
    return judge_for(settings, settings.judge if objects.judge is None else objects.judge, task, objects)


def judge_for(settings: Settings, spec: Any, task: Task, objects: Objects | None = None) -> Judge:
    """The judge `spec` names (None = the default of the task), over the judge model of `settings` or `objects` if there
    is one."""
    return create_judge(
        default_spec(task) if spec in (None, "") else spec,
        task=task,
        engine=objects.judge_model if objects else None,
        model=settings.judge_model,
        model_args=settings.judge_model_args,
        decode=judge_decoding(settings.judge_gen_kwargs),
        gen_kwargs=settings.judge_gen_kwargs,
        make_engine=settings.serving.model,
        cache=open_cache() if settings.judge_cache else None,
    )


def measured_judge(
    settings: Settings,
    spec: str | None,
    task: Task,
    *,
    say: Callable[[str], None] = lambda _: None,
    progress: Callable[[int, int], None] | None = None,
    prices: str | Path | None = None,
) -> Known:
    """Measure the judge `spec` names (None = the default of the task) on people's labels; of the paper's judge take the
    fingerprint. `say` hears what will be asked before it is, and what came out. What was found before is used again.
    `prices` is a YAML table of prices per million tokens that names the judge's model: the cost is said with it.

    Raises `UsageError` where measuring is no use, `DataError` where the labels cannot be had, `InvalidRun` where over
    2 % of the verdicts are unscored.
    """
    from proactivebench.judging.measurement import is_paper, measure_command, measurement_of
    from proactivebench.validation import measuring

    judge = judge_for(settings, spec, task)
    price = _price(prices, judge.identity.model)
    if is_paper(judge.identity):
        found = run_async(measuring.fingerprint(judge, progress, price=price, say=say))
        say(f"the fingerprint {'passed' if found.passed else 'failed'}: {found.sentence}")
        return Known(fingerprints=(found,))
    plan = measuring.undertaking(judge, task, say)
    say(measuring.cost_words(plan, price))
    measured = run_async(measuring.measure(judge, plan, measure_command(judge.identity), progress))
    worth = measurement_of(judge.identity, measured, traces=trace_hashes(task))
    say(f"{worth.status}: {worth.reason}")
    return Known(measured=measured)


def _price(prices: str | Path | None, model: str | None) -> Prices | None:
    """What a judge's model costs; None where the table, made for the agent, does not name it."""
    from proactivebench.scoring.efficiency import load_prices

    if prices is None or model is None:
        return None
    try:
        return load_prices(prices, model)
    except UnknownName:
        return None


def check_judge_decoding(settings: Settings, *judges: Judge | None) -> None:
    """Raise `UsageError` where decoding is given for judges of which none generates text."""
    if settings.judge_gen_kwargs and not any(judge and token_limits(judge.identity) for judge in judges):
        raise BadArgument("--judge_gen_kwargs is for judges that generate text, and none here does: leave it out")


def _refuse_misspelt(words: Iterable[str], option: str) -> None:
    """A word that nobody knows goes on to the server, which may know it; one that is nearly a known one was meant to be
    it, and would be ignored unseen. Raises `UsageError`."""
    known = [*_OWN_WORDS, *_SYNONYMS, *_SERVERS_WORDS]
    for word in words:
        near = [whole for whole in _OWN_WORDS if len(word) > 3 and whole.startswith(word)]
        if word not in known and (near := near or nearest(word, known, _AS_GOOD_AS)):
            raise UnknownName(
                f"{option} {word}: did you mean {near[0]}? ours are {', '.join(_OWN_WORDS)}; "
                "words of the server's own go on to it"
            )


def _decoding_of(agent: Actor, settings: Settings, protocol: Protocol) -> Decoding | None:
    """How the run's answers are generated; None for a program, which decides that itself. Raises `UsageError`."""
    if not isinstance(agent, Program):
        return decoding(settings.gen_kwargs, protocol)
    if settings.gen_kwargs:
        raise BadArgument(
            f"--gen_kwargs says how a model answers, and {agent.identity.name} decides that itself: leave it out"
        )
    return None


def decoding(gen_kwargs: Mapping[str, Any], protocol: Protocol) -> Decoding:
    """Decoding from lm-eval's `--gen_kwargs` words over the protocol's defaults. Raises `UsageError`."""
    return _decoded(gen_kwargs, Decoding(max_gen_toks=protocol.default_max_gen_toks), "--gen_kwargs")


def judge_decoding(gen_kwargs: Mapping[str, Any]) -> Callable[[Decoding], Decoding] | None:
    """How judges' cards generate under `--judge_gen_kwargs`, in the words of `--gen_kwargs`; None where nothing is
    given. What it returns raises `UsageError`."""
    return partial(_decoded, gen_kwargs, option="--judge_gen_kwargs") if gen_kwargs else None


def _decoded(gen_kwargs: Mapping[str, Any], base: Decoding, option: str) -> Decoding:
    _refuse_misspelt(gen_kwargs, option)
    given = {_SYNONYMS.get(name, name): value for name, value in gen_kwargs.items()}
    if len(given) < len(gen_kwargs):
        raise BadArgument(f"{option} says one thing twice ({', '.join(gen_kwargs)}): leave max_gen_toks and until")
    refuse_secrets(given)  # it is written into the manifest
    until = given.pop("until", base.until)
    known = {name: given.pop(name) for name in ("temperature", "top_p", "max_gen_toks") if name in given}
    given.pop("do_sample", None)  # says nothing that the temperature does not say
    try:
        return Decoding(
            **(base.model_dump(include={"temperature", "top_p", "max_gen_toks"}) | known),
            until=(until,) if isinstance(until, str) else tuple(until),
            extra={**base.extra, **given},
        )
    except (ValidationError, TypeError) as error:
        problem = first_problem(error) if isinstance(error, ValidationError) else "until: give a text or a list"
        raise BadArgument(f"{option} {problem}") from None
