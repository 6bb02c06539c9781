"""An agent that is a server, with nothing installed: one POST a moment.

Run it: python examples/http_agent.py 8000 &
        proactivebench run --model http --model_args url=http://127.0.0.1:8000/act --tasks proactivebench_sample
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Agent(BaseHTTPRequestHandler):
    """Answers moments."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        """The action at the moment in the body."""
        moment = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        event = moment["observations"][-1]["event"]
        offers = ["Find the cause of this error."] if "error" in event.lower() else []
        answer = json.dumps({"offers": offers}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        """Nothing."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Agent)
    print(f"http://127.0.0.1:{server.server_port}/act", flush=True)
    server.serve_forever()
