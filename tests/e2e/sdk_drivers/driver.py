"""Carries out the calls that standard input lists as JSON, with sdk/python/vodlift.py; prints one result a line."""

import json
import sys
import traceback

import vodlift

given = json.load(sys.stdin)
client = vodlift.Client(given["url"], given["cdn"], given["api_key"], given["secret"], given["timeout"], given["retries"])


def verify(headers, body, secrets, tolerance):
    return vodlift.verify(headers, body.encode(), secrets, tolerance)


for name, *arguments in given["calls"]:
    try:
        if name == "dump":
            result = repr(client) + repr(vars(client))
        else:
            result = verify(*arguments) if name == "verify" else getattr(client, name)(*arguments)
        print(json.dumps({"result": result}))
    except vodlift.VodliftError as error:
        print(json.dumps({"code": error.code, "message": str(error), "retryable": error.retryable, "dump": traceback.format_exc()}))
