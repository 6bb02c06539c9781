"""People for trying out an annotation job where none are at hand: their votes are worth nothing. Run it:

proactivebench annotate serve job --annotator ann --annotator bob --annotator eve    (in another terminal)
python examples/three_people.py LINK LINK LINK
"""

import http.client
import json
import random
import sys
from urllib.parse import urlsplit


class Page:
    """What a person's page says to the server."""

    def __init__(self, link):
        address = urlsplit(link)
        self.path = address.path
        self.server = http.client.HTTPConnection(address.hostname, address.port)

    def ask(self, what, body=None):
        """The answer to a request, as JSON."""
        head = {"Content-Type": "application/json"}
        method, sent = ("GET", None) if body is None else ("POST", json.dumps(body))
        self.server.request(method, self.path + what, sent, head)
        answer = self.server.getresponse()
        said = answer.read().decode()
        if answer.status != 200:
            sys.exit(f"{answer.status}: {said}")
        return json.loads(said)


def answer_all(link, patience):
    """Go through everything. What a moment is worth is drawn once for all, and each has a limit of their own."""
    page = Page(link)
    state = page.ask("state")
    page.ask("consent", {"instructions": state["instructions_sha256"]})
    mood = random.Random(patience)
    position = page.ask("state")["position"]
    while position < state["total"]:
        item = page.ask(f"showing/{position}")
        worth = random.Random(item["events"][-1]["event"]).random() + mood.gauss(0, 0.1)
        click = {"index": position, "offer_id": None, "answer": "yes" if worth > patience else "no", "seconds": 6}
        said = page.ask("vote", click)
        for offer in said["offers"]:
            answer = "accept" if worth > patience + 0.1 else "premature" if worth > patience else "reject"
            said = page.ask("vote", {**click, "offer_id": offer["offer_id"], "answer": answer})
        position = said["position"]
    return state["total"]


if __name__ == "__main__":
    for number, link in enumerate(sys.argv[1:]):
        print(f"{answer_all(link, 0.5 + 0.1 * number)} items answered")
