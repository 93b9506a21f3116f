"""Python's json.dumps, with its spaces, and requests. First argument: where the signature goes (first, middle, last);
second: the form (multipart, urlencoded). Uploads one file, asks how it stands, prints both answers."""

import base64
import hashlib
import hmac
import json
import os
import sys
import time

import requests

POSITION, FORM = sys.argv[1:]


def with_signature(request: dict, signature: str) -> dict:
    members = list(request.items())
    members.insert({"first": 0, "middle": len(members) // 2, "last": len(members)}[POSITION], ("signature", signature))
    return dict(members)


def call(command: str, **fields) -> str:
    request = {"command": command, "api_key": os.environ["VODLIFT_API_KEY"], "timestamp": int(time.time()), "cdn": 158}
    request.update(fields)
    mac = hmac.new(os.environ["VODLIFT_SECRET"].encode(), json.dumps(request).encode(), hashlib.sha256)
    text = json.dumps(with_signature(request, base64.b64encode(mac.digest()).decode()))
    body = {"files": {"json": (None, text)}} if FORM == "multipart" else {"data": {"json": text}}
    answer = requests.post(os.environ["VODLIFT_URL"] + "/stable/", timeout=20, **body)
    answer.raise_for_status()
    return answer.text


uploaded = call("aws.upload", path=os.environ["VODLIFT_PATH"], destination_path=os.environ["VODLIFT_DESTINATION"],
                metadata={"from": "python", "count": 2}, acl="private", bucket=os.environ["VODLIFT_BUCKET"], callback="")
print(uploaded)
print(call("aws.status", id=[json.loads(uploaded)["data"]]))
