"""A real server of a sequence classifier, in a process of its own: `python -m tests.servers.classify FOLDER PORT`.

It has vLLM's `/classify` route: `{"model", "input": [text, …]}` in, the probabilities of every text out.
"""

from __future__ import annotations

import sys
from typing import Any

from aiohttp import web


def application(folder: str) -> web.Application:
    """The server of the model in `folder`."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForSequenceClassification.from_pretrained(folder).eval()

    async def health(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def classify(request: web.Request) -> web.Response:
        body = await request.json()
        rows = []
        for index, text in enumerate(body["input"]):
            with torch.inference_mode():
                probs = model(**tokenizer(text, return_tensors="pt")).logits.float().softmax(-1)[0].tolist()
            rows.append(
                {"index": index, "label": str(probs.index(max(probs))), "probs": probs, "num_classes": len(probs)}
            )
        return web.json_response({"object": "list", "model": body["model"], "data": rows})

    app = web.Application(client_max_size=2**26)
    app.router.add_get("/health", health)
    app.router.add_post("/classify", classify)
    return app


if __name__ == "__main__":
    web.run_app(application(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]), print=None)
