"""AWS's sources of temporary credentials: the instance metadata service, a container's endpoint, and STS.

Each is as strict as the real one: IMDS gives nothing without a token that was fetched by PUT with a lifetime, STS
verifies signatures and trust. What they hand out is good at every FakeS3 in `stores`.
"""

import dataclasses
import datetime
import hashlib
import http.server
import itertools
import json
import threading
import urllib.parse

import s3_auth
from s3_errors import S3Error

ACCOUNT_ROLE = "arn:aws:iam::123456789012:role/up"


@dataclasses.dataclass
class Issued:
    access_key: str
    secret_key: str
    token: str
    expires: datetime.datetime
    by: str  # "imds", "container", "AssumeRole", "AssumeRoleWithWebIdentity"


@dataclasses.dataclass
class Seen:
    method: str
    path: str
    form: dict[str, str]
    headers: dict[str, str]
    status: int = 0


class FakeAws:
    """One server on 127.0.0.1 for all three. Everything may be called from any thread."""

    def __init__(self, *stores, lifetime_s: float = 3600):
        self.stores = stores
        self.lifetime_s = lifetime_s
        self.role = "uploader"  # of the instance; empty: none
        self.container_token = "Basic fake-container-token"
        self.web_token = "fake.web.identity"
        self.external_id = ""  # what the role's trust policy asks for
        self.long_lived: dict[str, str] = {}  # access keys that may assume the role
        self.broken = False  # answers 500 to everything
        self.seen: list[Seen] = []
        self.issued: list[Issued] = []
        self._imds_tokens: set[str] = set()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.fake = self
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> "FakeAws":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def secrets(self) -> list[str]:
        """All that must never be seen in a log."""
        return [one for issued in self.issued for one in (issued.secret_key, issued.token)] + [
            self.container_token, self.web_token, *self.long_lived.values(), *self._imds_tokens]

    def issue(self, by: str) -> Issued:
        with self._lock:
            number = next(self._numbers)
            made = Issued(f"ASIAFAKE{number:04}", f"fake/issued+secret{number:04}", f"fake//session+token{number:04}==",
                          datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.lifetime_s), by)
            self.issued.append(made)
        for store in self.stores:
            store.temporary[made.access_key] = made
        return made

    def expire_all(self) -> None:
        """What was handed out so far is refused from now on, whatever was said of its lifetime."""
        for issued in self.issued:
            issued.expires = datetime.datetime.now(datetime.timezone.utc)

    # What each endpoint answers: status, content type, body.

    def imds(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, str, str]:
        if path == "/latest/api/token":
            lifetime = headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
            if method != "PUT" or not lifetime.isdigit() or not 1 <= int(lifetime) <= 21600 or "x-forwarded-for" in headers:
                return 400, "text/html", "Bad Request"
            token = f"fake-imds-token-{next(self._numbers)}"
            self._imds_tokens.add(token)
            return 200, "text/plain", token
        if method != "GET" or headers.get("x-aws-ec2-metadata-token") not in self._imds_tokens:
            return 401, "text/html", "Unauthorized"
        base = "/latest/meta-data/iam/security-credentials/"
        if not self.role or not path.startswith(base):
            return 404, "text/html", "Not Found"
        if path == base:
            return 200, "text/plain", self.role
        if path != base + self.role:
            return 404, "text/html", "Not Found"
        return 200, "text/plain", self._document(self.issue("imds"), Code="Success", Type="AWS-HMAC")

    def container(self, method: str, headers: dict[str, str]) -> tuple[int, str, str]:
        if method != "GET" or headers.get("authorization") != self.container_token:
            return 401, "application/json", json.dumps({"code": "Unauthorized", "message": "bad token"})
        return 200, "application/json", self._document(self.issue("container"), RoleArn=ACCOUNT_ROLE)

    @staticmethod
    def _document(issued: Issued, **more: str) -> str:
        return json.dumps({"AccessKeyId": issued.access_key, "SecretAccessKey": issued.secret_key,
                           "Token": issued.token, "Expiration": issued.expires.strftime("%Y-%m-%dT%H:%M:%SZ"), **more})

    def sts(self, target: str, headers: list[tuple[str, str]], body: bytes, form: dict[str, str]) -> tuple[int, str, str]:
        try:
            action = form.get("Action", "")
            if form.get("Version") != "2011-06-15" or not 2 <= len(form.get("RoleSessionName", "")) <= 64:
                raise S3Error(400, "ValidationError", "Version or RoleSessionName is wrong")
            if action == "AssumeRole":
                self._check_signature(target, headers, body)
                if form.get("RoleArn") != ACCOUNT_ROLE or form.get("ExternalId", "") != self.external_id:
                    raise S3Error(403, "AccessDenied", "not authorized to perform: sts:AssumeRole")
            elif action == "AssumeRoleWithWebIdentity":
                if form.get("WebIdentityToken") != self.web_token or form.get("RoleArn") != ACCOUNT_ROLE:
                    raise S3Error(400, "InvalidIdentityToken", "The token is not one of ours")
            else:
                raise S3Error(400, "InvalidAction", f"no such action: {action}")
        except S3Error as error:
            return error.status, "text/xml", (
                "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>"
                f"<Code>{error.code}</Code><Message>{error.message}</Message></Error></ErrorResponse>")
        issued = self.issue(action)
        return 200, "text/xml", (
            f"<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result><Credentials>"
            f"<AccessKeyId>{issued.access_key}</AccessKeyId><SecretAccessKey>{issued.secret_key}</SecretAccessKey>"
            f"<SessionToken>{issued.token}</SessionToken>"
            f"<Expiration>{issued.expires.strftime('%Y-%m-%dT%H:%M:%SZ')}</Expiration></Credentials>"
            f"</{action}Result></{action}Response>")

    def _check_signature(self, target: str, headers: list[tuple[str, str]], body: bytes) -> None:
        now = datetime.datetime.now(datetime.timezone.utc)
        keys = dict(self.long_lived)
        tokens = {}
        for issued in self.issued:
            keys[issued.access_key] = issued.secret_key
            tokens[issued.access_key] = issued.token
        payload_hash = s3_auth.verify("POST", target, headers, keys, "us-east-1", now, service="sts", tokens=tokens)
        if payload_hash != hashlib.sha256(body).hexdigest():
            raise S3Error(400, "SignatureDoesNotMatch", "the body is not the one that was signed")


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_) -> None:
        pass

    def _serve(self) -> None:
        fake: FakeAws = self.server.fake
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = self.path.partition("?")[0]
        form = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True)) if self.command == "POST" else {}
        seen = Seen(self.command, path, form, headers)
        fake.seen.append(seen)
        if fake.broken:
            status, kind, text = 500, "text/plain", "broken"
        elif path.startswith("/latest/"):
            status, kind, text = fake.imds(self.command, path, headers)
        elif path == "/container":
            status, kind, text = fake.container(self.command, headers)
        else:
            status, kind, text = fake.sts(self.path, list(self.headers.items()), body, form)
        seen.status = status
        content = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = _serve
