"""A client of the legacy API, from Python's standard library alone: signs as the documentation's example does."""

import base64
import dataclasses
import hashlib
import hmac
import http.client
import json
import time
import urllib.parse
import uuid

from php_text import unserialize


def hmac_base64(secret: str, text: str) -> str:
    """The key is the secret as an ASCII string; it is never hex-decoded."""
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


def sign(request: dict, secret: str) -> str:
    """JSON text of `request` with the signature put before the last brace."""
    text = json.dumps(request)
    return f'{text[:-1]}, "signature": {json.dumps(hmac_base64(secret, text))}}}'


@dataclasses.dataclass
class Answer:
    http_status: int
    body: dict
    content_type: str

    @property
    def ok(self) -> bool:
        return self.body["status"] == "success"

    @property
    def data(self):
        return self.body["data"]

    @property
    def code(self) -> str | None:
        return self.body.get("code")

    @property
    def message(self) -> str:
        return self.body["message"]


def read_answer(response: http.client.HTTPResponse) -> Answer:
    """In the encoding that its type names."""
    read = {"application/json": json.loads, "application/vnd.php.serialized": unserialize}
    content_type = response.headers["Content-Type"]
    return Answer(response.status, read[content_type](response.read()), content_type)


class ApiClient:
    """Speaks to one server as one account. Stateless: any thread."""

    def __init__(self, url: str, api_key: str, secret: str, cdn: int = 158):
        self.url, self.api_key, self.secret, self.cdn = url, api_key, secret, cdn

    def request(self, command: str, **fields) -> dict:
        """The fields of a request, unsigned. A field that is given as None is left out."""
        whole = {"command": command, "api_key": self.api_key, "timestamp": int(time.time()), "cdn": self.cdn, **fields}
        return {name: value for name, value in whole.items() if value is not None}

    def call(self, command: str, form: str = "multipart", **fields) -> Answer:
        return self.post(sign(self.request(command, **fields), self.secret), form)

    def upload(self, path: str, destination: str, bucket: str, **fields) -> Answer:
        whole = {"path": path, "destination_path": destination, "metadata": {}, "acl": "private", "bucket": bucket,
                 "callback": "", **fields}
        return self.call("aws.upload", **whole)

    def status(self, upload_id: int) -> dict:
        """The upload's object; fails where the server knows none of this id."""
        answer = self.call("aws.status", id=upload_id)
        if not answer.ok or len(answer.data) != 1:
            raise AssertionError(f"aws.status of {upload_id}: {answer}")
        return answer.data[0]

    def all(self) -> list[dict]:
        """The newest uploads, at most 100."""
        answer = self.call("aws.status", limit=100, offset=0)
        if not answer.ok:
            raise AssertionError(f"aws.status: {answer}")
        return answer.data

    def post(self, text: str, form: str = "multipart", path: str = "/stable/", timeout: float = 30,
             field: str = "json", headers: dict[str, str] | None = None) -> Answer:
        """Sends signed text as it is, in the field `json` or `php`; `headers`: more of them."""
        if form == "multipart":
            boundary = uuid.uuid4().hex
            content_type = f"multipart/form-data; boundary={boundary}"
            body = (f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{text}\r\n'
                    f"--{boundary}--\r\n").encode()
        elif form == "urlencoded":
            content_type = "application/x-www-form-urlencoded"
            body = urllib.parse.urlencode({field: text}).encode()
        else:
            raise ValueError(f"no such form: {form}")
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.url).netloc, timeout=timeout)
        try:
            connection.request("POST", path, body, {"Content-Type": content_type} | (headers or {}))
            return read_answer(connection.getresponse())
        finally:
            connection.close()
