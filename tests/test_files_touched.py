"""What has to be touched to add something of ours: one new file, which the registry finds by itself; for a verb of the
command line also a line in the table of verbs, and for a column of a board a field and a line in one file."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from proactivebench import cli, plugins
from proactivebench.agents import baseline_words, is_baseline
from proactivebench.board.site import downloads, facts
from proactivebench.cli.verbs import VERBS, Verb
from proactivebench.evaluation import run_async
from proactivebench.lm_eval_plugin.models import register_models
from proactivebench.plugins import Contract
from proactivebench.preparation import Settings, prepare
from proactivebench.reporting import report_of
from proactivebench.store import RunStore

FILES = {
    Contract.JUDGE: '''"""Accepts everything up to a length."""
from proactivebench.judging.base import Judge, Opinion
from proactivebench.judging.kind import BaseCard, JudgeKind
from proactivebench.plugins import Contract, Plug
from proactivebench.records import VerdictStatus

class LengthCard(BaseCard):
    most: int = 40

class LengthJudge(Judge):
    def __init__(self, card, identity):
        self.card, self.identity = card, identity

    async def judge(self, items):
        fits = [len(item.proposal or "") <= self.card.most for item in items]
        return [Opinion(VerdictStatus.ACCEPTED if fit else VerdictStatus.REJECTED, self.card.name) for fit in fits]

KIND = JudgeKind(LengthCard, lambda card, building: LengthJudge(card, building.identity(card, deterministic=True)))
PLUGS = (Plug(Contract.JUDGE, "length", KIND, "by length"),)
''',
    Contract.AGENT: '''"""Offers at every second moment, and a program that offers once."""
from proactivebench.agents.baselines import GENERIC_OFFER, Baseline
from proactivebench.plugins import Contract, Plug

SECOND = Baseline("second", "offers at every second moment", lambda r, _: GENERIC_OFFER if r.moment.turn % 2 else None)

def once(moment):
    return None if moment.turn else "Begin"

PLUGS = (
    Plug(Contract.AGENT, SECOND.word, SECOND, SECOND.about, trivial=True),
    Plug(Contract.AGENT, "once", once, "offers once"),
)
''',
}


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """New files beside those of the registry's folders, as if they were shipped."""
    for contract, source in FILES.items():
        home = plugins.imported(plugins.HOMES[contract])
        folder = tmp_path / contract.value
        folder.mkdir()
        (folder / "added.py").write_text(source)
        monkeypatch.setattr(home, "__path__", [*home.__path__, str(folder)])
    plugins.ours.cache_clear()
    yield
    plugins.ours.cache_clear()
    for home in plugins.HOMES.values():
        sys.modules.pop(f"{home}.added", None)


def report(folder: Path, model: str, judge: str):
    settings = Settings(model=model, tasks="proactivebench_sample", judge=judge, limit=2)
    evaluation = prepare(settings)
    return report_of(run_async(evaluation.run(folder)), evaluation.task)


@pytest.mark.usefixtures("shipped")
def test_a_kind_of_judge_of_ours_is_one_file(tmp_path):
    (tmp_path / "strict.yaml").write_text("name: strict\nkind: length\nmost: 5\n")
    (judged,) = report(tmp_path / "run", "always", str(tmp_path / "strict.yaml")).judges
    assert (judged.judge.members[0].kind, judged.judge.members[0].code) == ("length", None)
    assert judged.overall.confusion.fp == 30


@pytest.mark.usefixtures("shipped")
def test_a_trivial_agent_and_a_kind_of_agent_of_ours_are_one_file(tmp_path):
    assert "second" in baseline_words()
    assert (is_baseline("second"), is_baseline("once")) == (True, False)
    assert report(tmp_path / "a", "second", "lexical").judges[0].overall.statuses["proposed"] == 14
    assert report(tmp_path / "b", "once", "lexical").judges[0].overall.statuses["proposed"] == 2
    plugs = json.loads((tmp_path / "b" / "manifest.json").read_text())["sessions"][0]["plugins"]
    assert plugs["agents:once"]["package"] == plugins.OURS
    assert RunStore(tmp_path / "b").manifest.agent.code is None
    register_models()
    from lm_eval.api.registry import model_registry

    assert "once" in model_registry


VERB = '''"""Counts moments."""
import click
from proactivebench.cli import options
from proactivebench.cli.parameters import Whole, option

@click.command()
@option("--at_most", type=Whole(min=1), default=3, help="No more.")
@options.transport
def count(at_most, serving):
    """Count to a number.

    Example: proactivebench count --at_most 3
    """
    print(at_most, serving.timeout_s)
'''


def test_a_verb_is_its_module_and_a_line_in_the_table(tmp_path, monkeypatch, capsys):
    (tmp_path / "count.py").write_text(VERB)
    monkeypatch.setattr(cli, "__path__", [*cli.__path__, str(tmp_path)])
    monkeypatch.setitem(VERBS, "count", Verb("count", "Count to a number"))

    def called(*words):
        with pytest.raises(SystemExit) as ended:
            cli.main(words)
        return ended.value.code, *capsys.readouterr()

    try:
        assert "  count            Count to a number" in called("--help")[1]
        assert "--at_most INTEGER" in called("count", "--help")[1]
        assert called("count", "--at-most", "2", "--timeout=7") == (0, "2 7.0\n", "")
        assert "0 is not in the range" in called("count", "--at_most", "0")[2]
        assert "--at_most is given 2 times (1, 2)" in called("count", "--at_most", "1", "--at-most=2")[2]
    finally:
        sys.modules.pop("proactivebench.cli.count", None)


def test_a_board_column_is_a_field_and_its_line_in_one_file(monkeypatch):
    """A column that facts.py alone knows stands in tables, on an entry's page and in the files of a board."""

    class Wider(facts.Facts):
        country: str | None = None

    column = facts.FactColumn("country", "Country", "where it was made", "text")
    monkeypatch.setattr(facts, "Facts", Wider)
    monkeypatch.setattr(facts, "FACT_COLUMNS", (*facts.FACT_COLUMNS, column))
    known = Wider(country="NO")
    assert facts.fact_columns([SimpleNamespace(facts=known)]) == (column,)
    assert facts.fact_cell(known, column).text == "NO"
    assert ("Country", "NO") in facts.fact_lines(known)
    assert facts.fact_fields()["country"] is str
    assert "country" in set(downloads._spoken_fields((), ())) & set(downloads._judged_schema(()).names)
