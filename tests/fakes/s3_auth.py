"""Verifies AWS Signature Version 4 in the Authorization header, from the bytes of the request as they came.

Written from the S3 documentation alone, so that it is a second opinion on the signer under test.
"""

import datetime
import hashlib
import hmac
import re
import urllib.parse

from s3_errors import S3Error

MAX_SKEW = datetime.timedelta(minutes=15)
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/aws4_request,\s*"
    r"SignedHeaders=([a-z0-9;._-]+),\s*Signature=([0-9a-f]{64})")


def _encode(text: bytes, safe: str = "") -> str:
    return urllib.parse.quote(text, safe="-._~" + safe)


def canonical_query(raw_query: str) -> str:
    """Names and values decoded, encoded again and sorted by their encoded form."""
    pairs = []
    for item in filter(None, raw_query.split("&")):
        name, _, value = item.partition("=")
        pairs.append((_encode(urllib.parse.unquote_to_bytes(name)), _encode(urllib.parse.unquote_to_bytes(value))))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def signature(secret_key: str, date: str, region: str, amz_date: str, canonical_request: str,
              service: str = "s3") -> str:
    key = ("AWS4" + secret_key).encode()
    for word in (date, region, service, "aws4_request"):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    scope = f"{date}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical_request.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{amz_date}\n{scope}\n{digest}"
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def verify(method: str, target: str, headers: list[tuple[str, str]], keys: dict[str, str], region: str,
           now: datetime.datetime, service: str = "s3", tokens: dict[str, str] | None = None) -> str:
    """Raises S3Error unless the request is signed by one of `keys`; gives back its x-amz-content-sha256. Keys that are in
    `tokens` count only together with their session token."""
    by_name: dict[str, list[str]] = {}
    for name, value in headers:
        by_name.setdefault(name.lower(), []).append(re.sub(" +", " ", value.strip()))
    authorization = ",".join(by_name.get("authorization", []))
    if not authorization:
        raise S3Error(403, "AccessDenied", "The request is not signed")
    match = _AUTHORIZATION.fullmatch(authorization)
    if not match:
        raise S3Error(400, "AuthorizationHeaderMalformed", "The authorization header cannot be read")
    access_key, date, scope_region, scope_service, signed_names, given = match.groups()
    if access_key not in keys:
        raise S3Error(403, "InvalidAccessKeyId", "The access key does not exist in our records")
    if scope_region != region:
        raise S3Error(400, "AuthorizationHeaderMalformed",
                      f"the region '{scope_region}' is wrong; expecting '{region}'", {"Region": region})
    if scope_service != service:
        raise S3Error(400, "AuthorizationHeaderMalformed", f"incorrect service '{scope_service}'")
    token = ",".join(by_name.get("x-amz-security-token", []))
    if token != (tokens or {}).get(access_key, ""):
        raise S3Error(400 if token else 403, "InvalidToken" if token else "InvalidAccessKeyId",
                      "The provided token is malformed or otherwise invalid.")

    amz_date = ",".join(by_name.get("x-amz-date", []))
    try:
        when = datetime.datetime.strptime(amz_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    except ValueError:
        raise S3Error(403, "AccessDenied", "x-amz-date is missing or malformed") from None
    if not amz_date.startswith(date):
        raise S3Error(403, "SignatureDoesNotMatch", "the scope's date is not the request's")
    if abs(now - when) > MAX_SKEW:
        raise S3Error(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is "
                                                   "too large")
    payload_hash = ",".join(by_name.get("x-amz-content-sha256", []))
    if not payload_hash:
        raise S3Error(400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256")

    names = signed_names.split(";")
    if names != sorted(names):
        raise S3Error(403, "SignatureDoesNotMatch", "SignedHeaders are not sorted")
    unsigned = [name for name in by_name if (name == "host" or name.startswith("x-amz-")) and name not in names]
    if unsigned or "host" not in names:
        raise S3Error(403, "AccessDenied",
                      f"There were headers present in the request which were not signed: {unsigned}")
    absent = [name for name in names if name not in by_name]
    if absent:
        raise S3Error(403, "SignatureDoesNotMatch", f"signed headers are absent: {absent}")

    raw_path, _, raw_query = target.partition("?")
    canonical_request = "\n".join([
        method,
        _encode(urllib.parse.unquote_to_bytes(raw_path), "/"),
        canonical_query(raw_query),
        *(f"{name}:{','.join(by_name[name])}" for name in names),
        "",
        signed_names,
        payload_hash,
    ])
    expected = signature(keys[access_key], date, region, amz_date, canonical_request, service)
    if not hmac.compare_digest(expected, given):
        raise S3Error(403, "SignatureDoesNotMatch", "The request signature we calculated does not match",
                      {"CanonicalRequest": canonical_request})
    return payload_hash


def check_payload(payload_hash: str, body: bytes) -> None:
    """Raises S3Error unless x-amz-content-sha256 is UNSIGNED-PAYLOAD or the body's SHA-256."""
    if payload_hash.startswith("STREAMING-"):
        raise S3Error(501, "NotImplemented", f"the fake does not take {payload_hash}")
    if payload_hash != "UNSIGNED-PAYLOAD" and payload_hash != hashlib.sha256(body).hexdigest():
        raise S3Error(400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not "
                                                        "match what was computed.")
