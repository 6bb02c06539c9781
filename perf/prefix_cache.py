"""How much of its prompts a server finds in its prefix cache, under `standard` and under `paper`.

    python -m perf.prefix_cache --base_url http://127.0.0.1:8000/v1 --model NAME [--traces 4]

The server must report cached tokens (vLLM: `--enable-prompt-tokens-details`). Traces run one after another, so that
the counts do not depend on what else the cache holds. Where the released prompts cannot be had, a stand-in of the same
shape takes their place: what is rewritten between turns decides, not the wording.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import tempfile
from pathlib import Path

from proactivebench.agents.base import ModelAgent
from proactivebench.errors import ProactiveBenchError
from proactivebench.models.endpoint.model import EndpointModel
from proactivebench.protocols import load_protocol
from proactivebench.protocols.base import Protocol
from proactivebench.records import Decoding, Reply, Usage
from proactivebench.rollout import Rollout
from proactivebench.traces import load_task

STAND_IN = '''
import json

SYSTEM = """You watch a user's activity and may propose one task. Answer with a JSON object that holds "Purpose",
"Thoughts", "Proactive Task" and "Response"; write null for the task where no help is needed now."""

STEP = json.dumps({
    "Instructions": "Look at the newest observation, judge what the user is after, and propose a task or none.",
    "Observations (Time Ascending)": "[placeholder]",
    "Requirement": "Answer in the form described, and do not repeat what you have proposed before."
    })
'''


def paper() -> tuple[Protocol, str]:
    """The paper's protocol, and whether its prompts are the released ones."""
    try:
        return load_protocol("paper"), "released prompts"
    except ProactiveBenchError:
        pins = {"eval/script.py": hashlib.sha256(STAND_IN.encode()).hexdigest()}
        with tempfile.TemporaryDirectory() as mirror:
            (Path(mirror) / "eval").mkdir()
            (Path(mirror) / "eval" / "script.py").write_text(STAND_IN, encoding="utf-8")
            before = os.environ.get("PROACTIVEBENCH_MIRROR")
            os.environ["PROACTIVEBENCH_MIRROR"] = mirror
            try:
                return load_protocol("paper", pins=pins), "stand-in prompts"
            finally:
                os.environ.pop("PROACTIVEBENCH_MIRROR")
                if before is not None:
                    os.environ["PROACTIVEBENCH_MIRROR"] = before


async def cached(protocol: Protocol, base_url: str, model: str, traces: int, tokens: int) -> tuple[int, int, int]:
    """(answers, prompt tokens, cached prompt tokens) over the first `traces` of the sample."""
    replies: list[Reply] = []
    agent = ModelAgent(EndpointModel("endpoint", {"base_url": base_url, "model": model}, concurrency=1))
    await agent.start()
    rollout = Rollout(
        agent=agent,
        protocol=protocol,
        decoding=Decoding(max_gen_toks=tokens),
        traces=load_task("proactivebench_sample").traces[:traces],
        emit=lambda _, reply: replies.append(reply),
        concurrency=1,
    )
    await rollout.run()
    await agent.close()
    usages = [reply.usage or Usage() for reply in replies]
    return len(replies), sum(u.prompt_tokens or 0 for u in usages), sum(u.cached_tokens or 0 for u in usages)


def main() -> None:
    """Print one line a protocol."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base_url", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--traces", type=int, default=4)
    parser.add_argument("--max_gen_toks", type=int, default=200)
    asked = parser.parse_args()
    released, source = paper()
    for name, protocol in (("standard", load_protocol("standard")), (f"paper, {source}", released)):
        work = cached(protocol, asked.base_url, asked.model, asked.traces, asked.max_gen_toks)
        answers, prompt, hit = asyncio.run(work)
        share = hit / prompt if prompt else 0.0
        print(f"{name:26} {answers:4} answers  {prompt:8} prompt tokens  {hit:8} cached  {share:6.1%}")


if __name__ == "__main__":
    main()
