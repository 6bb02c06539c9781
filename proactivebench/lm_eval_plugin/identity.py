"""Which agent an lm-eval model is: one of ours registered there, or the backend itself under the name users call it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from proactivebench.agents.base import Actor, ModelAgent
from proactivebench.evaluation import Evaluation
from proactivebench.lm_eval_plugin.models import AgentModel
from proactivebench.models.lm_eval.model import LmEvalModel

if TYPE_CHECKING:
    from lm_eval.api.model import LM

_TELLING = ("pretrained", "model", "base_url")


def agent_for(lm: LM, model_args: Mapping[str, str], evaluation: Evaluation) -> Actor:
    """The agent behind `lm`. `model_args` are the arguments lm-eval reports; where it reports none (a model object
    from Python), what the object says of itself names it."""
    if isinstance(lm, AgentModel):
        return lm.agent(evaluation)
    said = {name: getattr(lm, name, None) for name in _TELLING}
    arguments = dict(model_args) or {name: value for name, value in said.items() if isinstance(value, str) and value}
    return ModelAgent(LmEvalModel.around(lm, model=word_of(lm), model_args=arguments))


def word_of(lm: LM) -> str:
    """The word of lm-eval's `--model` for the class of `lm` (its class name where there is none)."""
    from lm_eval.models import MODEL_MAPPING

    place = f"{type(lm).__module__}:{type(lm).__qualname__}"
    return next((word for word, target in MODEL_MAPPING.items() if target == place), type(lm).__name__)
