"""One rank of a data-parallel run over gloo, started by torchrun: `two_ranks.py MODEL FOLDER LIMIT`.

lm-eval's `hf` splits documents over ranks only with several GPUs; here its rank and world size are set by hand.
"""

import json
import sys
from pathlib import Path

import lm_eval.models  # noqa: F401
import torch.distributed as dist
from lm_eval import simple_evaluate
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager

from proactivebench.lm_eval_plugin import task_folder


def main(model: str, folder: str, limit: int) -> None:
    lm = HFLM(pretrained=model, dtype="float32", device="cpu", batch_size=4)
    lm._rank, lm._world_size = dist.get_rank(), dist.get_world_size()
    tasks = TaskManager(include_path=str(task_folder()), include_defaults=False)
    results = simple_evaluate(
        lm,
        tasks=["proactivebench_sample"],
        task_manager=tasks,
        limit=limit,
        gen_kwargs="max_gen_toks=200",
        bootstrap_iters=0,
    )
    said = {"rank": lm.rank, "world": lm.world_size, "backend": dist.get_backend(), "results": None}
    if results:
        said["results"] = results["results"]["proactivebench_sample"]
        said["samples"] = len(results["samples"]["proactivebench_sample"])
    Path(folder, f"rank{lm.rank}.json").write_text(json.dumps(said))
    dist.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
