"""Receives vodlift's callbacks. Run behind a web server that ends TLS: WEBHOOK_SECRETS="whsec_…" PORT=8000 python3 receiver.py

While your secret is replaced, WEBHOOK_SECRETS has both, with a space between them."""

import http.server
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "python"))
from vodlift import VodliftError, verify

SECRETS = os.environ["WEBHOOK_SECRETS"].split()
MOST_BYTES = 1024 * 1024


class Receiver(http.server.BaseHTTPRequestHandler):
    timeout = 15  # seconds without a byte

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            return self.answer(413)
        try:
            event = verify(self.headers, self.rfile.read(int(length)), SECRETS)
        except VodliftError as error:
            print(error, flush=True)
            return self.answer(401)
        # Do your work here, once for each webhook-id: a callback may come again. Then answer; any 2xx ends it.
        print(f"upload {event['data']['id']}: {event['message']}", flush=True)
        return self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Receiver)
print(f"listening on http://127.0.0.1:{server.server_port}/", flush=True)
server.serve_forever()
