"""Offers that say in words that there is none: they stay offers, since the agent interrupted, but are counted."""

from __future__ import annotations

import re

from proactivebench.text import words

_MOST_WORDS = 20
_DEGREE = "(?: (?:proactive|further|additional|new|specific|immediate|current|particular|any|more))*"
_THING = "(?: (?:tasks?|actions?|help|assistance|suggestions?|offers?|intervention|proposals?|response|support))?"
_STATE = (
    "(?: (?:is|are|was))?(?: (?:needed|required|necessary|applicable|available|due|warranted|to do|to offer|to propose"
    "|to suggest|to report|to add))?"
)
_WHEN = "(?: (?:now|yet|right now|for now|currently|here|at (?:this|the) (?:time|moment|point|stage)|today))?"
_ENGLISH = re.compile(
    f"(?:there (?:is|are) )?(?:no|none|nothing|not|nil|null)(?: task)?{_DEGREE}{_THING}{_STATE}{_WHEN}"
    "|n a|na|nop|nope|stay silent|keep quiet|remain silent|be silent|silent|silence|wait|do nothing|skip|pass"
)
_CHINESE = re.compile(
    "(?:目前|当前|暂时|暫時|现在|現在|暂|暫)?(?:无|無|没有|沒有|无需|無需|不需要|无须|無須|不用|不必)"
    "(?:任何|主动|主動|进一步|進一步|更多)*(?:任务|任務|帮助|幫助|协助|協助|操作|建议|建議|提议|提議|行动|行動|干预)?"
    "|不适用|不適用|保持沉默|保持安静|空|なし|特になし|不要|必要なし|없음|필요없음|해당없음"
)
_OTHERS = frozenset({
    "keine", "keine aufgabe", "nichts", "nichts zu tun", "entfällt", "aucune", "aucun", "aucune tâche", "rien",
    "ninguna", "ninguno", "ninguna tarea", "nada", "nenhuma", "nenhum", "nenhuma tarefa", "nessuna", "nessuno", "нет",
})  # fmt: skip


def says_no_task(offer: str) -> bool:
    """Whether an offer is nothing but words for "there is none", such as "N/A", "No task needed." or 无需."""
    said = words(offer)
    if not said or len(said) > _MOST_WORDS:
        return False
    spoken = " ".join(said)
    return bool(_ENGLISH.fullmatch(spoken) or spoken in _OTHERS or _CHINESE.fullmatch("".join(said)))
