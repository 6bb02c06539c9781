"""An agent that is a process, in Python and with nothing installed: a line of JSON in, a line of JSON out.

Run it: proactivebench run --model process --model_args command="python examples/process_agent.py" --tasks ...
"""

import json
import sys

offered = set()
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "start":  # another trace: what was said in the one before does not count
        offered.clear()
    elif message["type"] == "moment":
        event = message["observations"][-1]["event"]
        offers = ["Find the cause of this error."] if "error" in event.lower() else []
        offers = [offer for offer in offers if offer not in offered]  # never the same twice
        offered.update(offers)
        print(json.dumps({"id": message["id"], "offers": offers}), flush=True)
