"""A client of vodlift: signs calls, waits for uploads, verifies callbacks. Python 3.9 or newer, no packages.

A Client may be used by several threads at once.
"""

import base64
import hashlib
import hmac
import http.client
import json
import random
import re
import time
import urllib.parse
import urllib.request

ENDED = ("completed", "failed", "cancelled")
_WINDOW_S = 240  # the same signed bytes are sent again for this long; the server takes them for 300 s
_MOST_BYTES = 16 * 1024 * 1024  # of an answer


class VodliftError(Exception):
    """`code`: four digits of the server, or "network", "answer", "http_NNN", "timeout" (of wait), "callback" (of verify).
    `retryable`: the same call may succeed later. `retry_after`: seconds that the server asks to wait; 0: it did not ask."""

    def __init__(self, code, message, retryable=False, retry_after=0):
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.retryable, self.retry_after = code, message, retryable, retry_after


class _AnyStatus(urllib.request.HTTPErrorProcessor):
    """Follows no redirect, and gives answers with every HTTP status back."""

    def http_response(self, request, response):
        return response

    https_response = http_response


class Client:
    def __init__(self, url, cdn, api_key, secret, timeout=30, retries=4):
        """`url` ends with /stable/. `timeout`: seconds for one attempt. `retries`: attempts after the first."""
        self._url, self._cdn, self._api_key = url, int(cdn), api_key
        self._timeout, self._retries = timeout, retries
        self._mac = hmac.new(secret.encode(), digestmod=hashlib.sha256)  # nothing prints the key that is in it
        self._open = urllib.request.build_opener(_AnyStatus).open

    def call(self, command, fields=None):
        """The answer's `data`. Raises VodliftError. Sends the same bytes again where that can help: it never acts twice."""
        return self._call(command, fields or {}, time.monotonic() + _WINDOW_S)

    def upload(self, path, destination_path, bucket, options=None):
        """Queues a file; returns the upload's id. `options`: other fields, such as metadata, callback and priority."""
        return self.call("aws.upload", {"path": path, "destination_path": destination_path, "bucket": bucket, **(options or {})})

    def status(self, ids):
        """The upload object of one id; of a list of ids, a list of those that exist, newest first."""
        uploads = self.call("aws.status", {"id": ids})
        return uploads if isinstance(ids, (list, tuple)) else uploads[0]

    def wait(self, upload_id, timeout=3600):
        """The upload object when the upload has ended: look at its `state`. Raises "timeout" after `timeout` seconds."""
        deadline, pause = time.monotonic() + timeout, 0.5
        while True:
            asked = 0
            try:
                upload = self._call("aws.status", {"id": upload_id}, min(deadline, time.monotonic() + _WINDOW_S))[0]
                if upload["state"] in ENDED:
                    return upload
            except VodliftError as error:
                if not error.retryable:
                    raise
                asked = error.retry_after
            left = deadline - time.monotonic()
            if left <= 0:
                raise VodliftError("timeout", f"upload {upload_id} has not ended within {timeout} s", True)
            time.sleep(min(max(pause, asked), left))
            pause = min(pause * 1.5, 10)

    def _call(self, command, fields, deadline):
        text = self._sign({"command": command, "api_key": self._api_key, "timestamp": int(time.time()), "cdn": self._cdn, **fields})
        body = urllib.parse.urlencode({"json": text}).encode()
        attempt = 0
        while True:
            try:
                return self._post(body, max(1, min(self._timeout, deadline - time.monotonic())))
            except VodliftError as error:
                pause = max(error.retry_after, random.uniform(0.5, 1) * min(8, 0.5 * 2**attempt))
                if not error.retryable or attempt >= self._retries or time.monotonic() + pause >= deadline:
                    raise
            time.sleep(pause)
            attempt += 1

    def _sign(self, request):
        text = json.dumps(request, allow_nan=False)
        mac = self._mac.copy()
        mac.update(text.encode())
        return f'{text[:-1]}, "signature": "{base64.b64encode(mac.digest()).decode()}"}}'

    def _post(self, body, timeout):
        deadline, answer = time.monotonic() + timeout, bytearray()
        try:
            with self._open(self._url, body, timeout) as response:
                while chunk := response.read1(65536):
                    answer += chunk
                    if len(answer) > _MOST_BYTES:
                        raise VodliftError("answer", "the answer is too large")
                    if time.monotonic() > deadline:
                        raise TimeoutError("the answer takes too long")
        except (OSError, http.client.HTTPException) as error:
            raise VodliftError("network", f"no answer: {error}", True) from None
        return _data(response.status, response.headers.get("Retry-After", ""), answer)


def _data(status, retry_after, answer):
    retry_after = int(retry_after) if re.fullmatch("[0-9]{1,6}", retry_after) else 0
    transient = status in (408, 429) or status >= 500
    try:
        answer = json.loads(answer)
        if answer["status"] == "success":
            return answer["data"]
        code, message = answer["code"], answer["message"]
    except (ValueError, KeyError, TypeError):
        code = "answer" if status == 200 else f"http_{status}"
        raise VodliftError(code, "this is no answer of vodlift", transient or status == 200, retry_after) from None
    raise VodliftError(code, message, transient or code in ("0004", "1000"), retry_after)


def verify(headers, body, secrets, tolerance=300):
    """The event that a callback brings: message, status, code (of failures), data (the upload object), test.

    `headers`: a mapping of all headers, in any case. `body`: the bytes as they came. `secrets`: one "whsec_…" or several.
    `tolerance`: seconds that the message's time may be away from now. Raises VodliftError "callback": answer with 401."""
    headers = {name.lower(): value for name, value in headers.items()}
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not re.fullmatch("[0-9]{1,15}", timestamp):
        raise VodliftError("callback", "webhook-id or webhook-timestamp is missing")
    if abs(time.time() - int(timestamp)) > tolerance:
        raise VodliftError("callback", "the message is too old, or this clock is wrong")
    given = headers.get("webhook-signature", "").encode().split()
    signed = f"{message_id}.{timestamp}.".encode() + body
    genuine = False
    for secret in [secrets] if isinstance(secrets, str) else secrets:
        wanted = b"v1," + base64.b64encode(hmac.new(_webhook_key(secret), signed, hashlib.sha256).digest())
        for one in given:
            genuine |= hmac.compare_digest(wanted, one)
    if not genuine:
        raise VodliftError("callback", "no signature is by one of these secrets")
    try:
        text = urllib.parse.parse_qs(body.decode())["json"][0] if body.startswith(b"json=") else body
        return json.loads(text)
    except (ValueError, KeyError):
        raise VodliftError("callback", "the body is not JSON") from None


def _webhook_key(secret):
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if len(key) < 16:
        raise VodliftError("callback", "a webhook secret is not whsec_ and base64")
    return key
