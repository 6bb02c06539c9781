"""Traces and replies to build conversations from."""

from hypothesis import strategies as st

from proactivebench.protocols.contract import reply_text
from proactivebench.records import Event, Reply, ReplyStatus, Trace

WORDS = st.text(st.characters(codec="utf-8"), max_size=30)
EVENTS = st.builds(Event, time=WORDS, event=WORDS)
TRACES = st.lists(EVENTS, min_size=1, max_size=6).map(
    lambda events: Trace(trace_id="t", split="coding", events=tuple(events))
)


@st.composite
def replies(draw: st.DrawFn, *, rounds: int = 1) -> list[Reply]:
    """The replies of one moment, by round: clean ones in the contract's words, unclean ones in any."""
    given = []
    for place in range(draw(st.integers(1, rounds))):
        status = draw(st.sampled_from([status for status in ReplyStatus if status.final]))
        task = draw(WORDS.map(lambda word: word + "!")) if status is ReplyStatus.PROPOSED else None
        text = reply_text(task) if status.clean else draw(WORDS)
        thought = draw(st.sampled_from(["", "<think>hm</think>\n", "hm</think>"])) if status.clean else ""
        advice = draw(WORDS) if place else None
        given.append(Reply(trace_id="t", turn=0, round=place, status=status, text=thought + text, advice=advice))
    return given


def trace_of(*events: str) -> Trace:
    """A trace of these events, one a second."""
    return Trace(
        trace_id="t",
        split="coding",
        events=tuple(Event(time=str(1717378000 + turn), event=event) for turn, event in enumerate(events)),
    )


def reply(status: ReplyStatus, text: str | None, **more: object) -> Reply:
    """A reply at the first moment of the trace `t`."""
    return Reply.model_validate({"trace_id": "t", "turn": 0, "status": status, "text": text, **more})
