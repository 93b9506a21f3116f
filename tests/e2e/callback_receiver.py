"""A customer's server: takes callbacks, checks their signatures, and gives the answers that a test chooses."""

import base64
import dataclasses
import hashlib
import hmac
import http.server
import json
import sys
import threading
import time


@dataclasses.dataclass
class Callback:
    at: float  # time.monotonic()
    path: str
    headers: dict[str, str]  # names lower-case
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def webhook_id(self) -> str:
        return self.headers["webhook-id"]

    def verify(self, secret: str, tolerance_s: int = 300) -> None:
        """Fails unless it is signed with `secret` ("whsec_…") by the Standard Webhooks specification 1.0.0."""
        assert secret.startswith("whsec_"), secret
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        stamp = self.headers["webhook-timestamp"]
        assert abs(time.time() - int(stamp)) <= tolerance_s, f"webhook-timestamp {stamp} is not near"
        text = f"{self.webhook_id}.{stamp}.".encode() + self.body
        expected = "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
        given = self.headers["webhook-signature"].split(" ")
        assert any(hmac.compare_digest(expected, one) for one in given), f"{given} does not hold {expected}"


class CallbackReceiver:
    """Listens on a loopback address. `answers`: one (status, headers) for each call, the last one for all that follow."""

    def __init__(self, answers: list[tuple[int, dict[str, str]]] | None = None, address: str = "127.0.0.1"):
        self.answers = answers or [(200, {})]
        self.answer_body = b""
        self.received: list[Callback] = []
        self.on_receive = None  # called with each Callback before it is answered
        self._lock = threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_) -> None:
                pass

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                callback = Callback(time.monotonic(), self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                if receiver.on_receive:
                    receiver.on_receive(callback)
                with receiver._lock:
                    receiver.received.append(callback)
                    status, headers = receiver.answers[min(len(receiver.received), len(receiver.answers)) - 1]
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(receiver.answer_body)))
                self.end_headers()
                self.wfile.write(receiver.answer_body)

            do_GET = do_POST = _serve

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request, client_address) -> None:
                if not isinstance(sys.exc_info()[1], ConnectionError):  # a sender that was killed
                    super().handle_error(request, client_address)

        self._server = Server((address, 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://{address}:{self.port}/uploaded"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> "CallbackReceiver":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
