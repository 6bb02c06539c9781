"""Reports made by hand for pages: a few metrics, one of them undefined."""

from proactivebench.records import (
    AgentIdentity,
    Confusion,
    Decoding,
    JudgeIdentity,
    JudgeReport,
    MetricValue,
    ProtocolIdentity,
    Report,
    SplitReport,
    TaskIdentity,
)

JUDGE = JudgeIdentity(
    id="labels-0badcafe", name="labels", hash="0badcafe" + "0" * 56, silence="labels", proposals="labels"
)


def report(name: str, f1: float | None, model: str = "endpoint", judge: JudgeIdentity = JUDGE) -> Report:
    """A complete report of an agent called `name`."""
    metrics = {
        "f1": MetricValue(
            value=f1,
            interval=None if f1 is None else (f1 - 0.1, f1 + 0.1),
            reason=None if f1 is not None else "no offer",
        ),
        "clean_rate": MetricValue(value=1.0),
    }
    split = SplitReport(
        traces=12, moments=233, metrics=metrics, confusion=Confusion(tp=1, fp=2, tn=3, fn=4), statuses={"proposed": 3}
    )
    return Report(
        task=TaskIdentity(
            name="sample",
            version="1",
            revision="r",
            data_hash="d" * 64,
            licence="Apache-2.0",
            source="here",
            labelled=True,
        ),
        agent=AgentIdentity(model=model, name=name),
        protocol=ProtocolIdentity(name="standard", version="1", hash="a" * 64, history="own"),
        decoding=Decoding(),
        seed=0,
        repeats=1,
        complete=True,
        moments_expected=233,
        moments_answered=233,
        judges=(JudgeReport(judge=judge, valid=True, unscored_share=0, overall=split, splits={"coding": split}),),
    )
