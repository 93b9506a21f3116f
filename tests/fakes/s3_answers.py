"""The operations of the fake S3 in HTTP's terms: which one a request is, and the answer that carries its result."""

import dataclasses
import urllib.parse
import xml.etree.ElementTree
from xml.sax.saxutils import escape

from s3_errors import S3Error
from s3_store import SSE, Multipart, Object, Store

_KEPT = ("content-type", "cache-control", "content-disposition", "x-amz-acl", "x-amz-storage-class", "x-amz-tagging")


@dataclasses.dataclass
class Answer:
    status: int
    body: bytes = b""
    headers: dict[str, str] = dataclasses.field(default_factory=dict)


def operation(method: str, key: str, query: dict[str, str]) -> str:
    """S3's name of the operation; "Unknown" for what the fake does not do."""
    if not key:
        if method == "GET" and "ownershipControls" in query:
            return "GetBucketOwnershipControls"
        return {("GET", True): "ListMultipartUploads", ("GET", False): "ListObjectsV2"}.get(
            (method, "uploads" in query), "Unknown")
    if "uploadId" in query:
        return {"PUT": "UploadPart", "GET": "ListParts", "POST": "CompleteMultipartUpload",
                "DELETE": "AbortMultipartUpload"}.get(method, "Unknown")
    if "uploads" in query:
        return "CreateMultipartUpload" if method == "POST" else "Unknown"
    if "acl" in query:
        return "GetObjectAcl" if method == "GET" else "Unknown"
    return {"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject",
            "DELETE": "DeleteObject"}.get(method, "Unknown")


def perform(store: Store, record, body: bytes, page_size: int) -> Answer:
    """Carries the operation out. Raises S3Error."""
    if record.operation not in _PERFORM:
        raise S3Error(501, "NotImplemented", "A header or operation you provided implies functionality that is not "
                                             "implemented")
    return _PERFORM[record.operation](store, record, body, page_size)


def _kept_headers(store: Store, record) -> dict[str, str]:
    kept = {name: value for name, value in record.headers.items()
            if name in _KEPT or name.startswith(("x-amz-meta-", "x-amz-checksum-"))}
    if store.metadata_names == "dashes":
        return {name.replace("_", "-").replace(".", "-"): value for name, value in kept.items()}
    return {name: value for name, value in kept.items() if store.metadata_names == "kept" or not set(name) & set("_.")}


def _sse_headers(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.startswith(SSE)}


def _xml(root: str, content: str, headers: dict[str, str] | None = None) -> Answer:
    text = (f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"{content}</{root}>")
    return Answer(200, text.encode(), {"content-type": "application/xml", **(headers or {})})


def _element(name: str, value: object) -> str:
    return "" if value is None else f"<{name}>{escape(str(value))}</{name}>"


def _put_object(store: Store, record, body: bytes, _page: int) -> Answer:
    made = store.put(record.bucket, record.key, record.headers,
                     _kept_headers(store, record) | store.encrypted(record.headers), body)
    return Answer(200, b"", {"etag": f'"{made.etag}"', **_checksum_headers(made), **_sse_headers(made.headers)})


def _checksum_headers(made: Object) -> dict[str, str]:
    if not made.checksum:
        return {}
    return {"x-amz-checksum-crc32c": made.checksum, "x-amz-checksum-type": made.checksum_type}


def _create(store: Store, record, _body: bytes, _page: int) -> Answer:
    made = store.create(record.bucket, record.key, _kept_headers(store, record) | store.encrypted(record.headers),
                        record.principal)
    headers = {}
    if made.algorithm:
        headers = {"x-amz-checksum-algorithm": made.algorithm}
        if store.full_object != "ignored":
            headers["x-amz-checksum-type"] = made.checksum_type
    headers |= _sse_headers(made.headers)
    return _xml("InitiateMultipartUploadResult", _element("Bucket", made.bucket) + _element("Key", made.key)
                + _element("UploadId", made.upload_id), headers)


def _upload_part(store: Store, record, body: bytes, _page: int) -> Answer:
    part = store.put_part(record.bucket, record.key, record.query["uploadId"], record.part, record.headers, body)
    headers = {"etag": f'"{part.etag}"', **_sse_headers(store.upload(record.bucket, record.key,
                                                                     record.query["uploadId"]).headers)}
    if part.checksum:
        headers["x-amz-checksum-crc32c"] = part.checksum
    return Answer(200, b"", headers)


def _list_parts(store: Store, record, _body: bytes, page_size: int) -> Answer:
    with store.lock:
        upload = store.upload(record.bucket, record.key, record.query["uploadId"])
        after = int(record.query.get("part-number-marker") or 0)
        numbers = [number for number in sorted(upload.parts) if number > after]
        page = numbers[:min(page_size, int(record.query.get("max-parts") or page_size))]
        more = len(page) < len(numbers)
        content = (_element("Bucket", upload.bucket) + _element("Key", upload.key)
                   + _element("UploadId", upload.upload_id) + _element("PartNumberMarker", after)
                   + (_element("NextPartNumberMarker", page[-1]) if more else "")
                   + _element("MaxParts", page_size) + _element("IsTruncated", str(more).lower())
                   + _element("ChecksumAlgorithm", upload.algorithm) + _element("ChecksumType", upload.checksum_type))
        for number in page:
            part = upload.parts[number]
            content += ("<Part>" + _element("PartNumber", number) + _element("LastModified", "2026-01-01T00:00:00.000Z")
                        + _element("ETag", f'"{part.etag}"') + _element("Size", len(part.body))
                        + _element("ChecksumCRC32C", part.checksum) + "</Part>")
    return _xml("ListPartsResult", content)


def _complete(store: Store, record, body: bytes, _page: int) -> Answer:
    try:
        root = xml.etree.ElementTree.fromstring(body)
    except xml.etree.ElementTree.ParseError:
        raise S3Error(400, "MalformedXML", "The XML you provided was not well-formed") from None
    listed = [{field.tag.rpartition("}")[2]: field.text or "" for field in part} for part in root]
    made = store.complete(record.bucket, record.key, record.query["uploadId"], record.headers, listed)
    return _xml("CompleteMultipartUploadResult",
                _element("Location", f"http://fake/{record.bucket}/{urllib.parse.quote(record.key)}")
                + _element("Bucket", record.bucket) + _element("Key", record.key) + _element("ETag", f'"{made.etag}"')
                + (_element("ChecksumCRC32C", made.checksum) + _element("ChecksumType", made.checksum_type)
                   if store.tells_whole else ""), _sse_headers(made.headers))


def _abort(store: Store, record, _body: bytes, _page: int) -> Answer:
    store.abort(record.bucket, record.key, record.query["uploadId"])
    return Answer(204)


def _get_object(store: Store, record, _body: bytes, _page: int) -> Answer:
    found = store.object(record.bucket, record.key)
    headers = {name: value for name, value in found.headers.items()
               if name not in ("x-amz-acl", "x-amz-tagging") and not name.startswith("x-amz-checksum-")}
    headers.setdefault("content-type", "binary/octet-stream")
    headers.update({"etag": f'"{found.etag}"', "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT"})
    if record.headers.get("x-amz-checksum-mode", "").upper() == "ENABLED":
        headers.update(_checksum_headers(found) if store.tells_whole or "-" not in found.etag else {})
    etag = record.headers.get("if-match")
    if etag and etag != headers["etag"]:
        raise S3Error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
    if record.operation == "GetObject" and "range" in record.headers:
        first, _, last = record.headers["range"].removeprefix("bytes=").partition("-")
        part = found.body[int(first):int(last) + 1]
        if not part:
            raise S3Error(416, "InvalidRange", "The requested range is not satisfiable")
        return Answer(206, part, headers | {"content-range": f"bytes {first}-{int(first) + len(part) - 1}/{len(found.body)}"})
    return Answer(200, found.body, headers)


def _get_acl(store: Store, record, _body: bytes, _page: int) -> Answer:
    found = store.object(record.bucket, record.key)
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type'
    grants = f'<Grant><Grantee {xsi}="CanonicalUser"><ID>owner</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant>'
    if store.is_public(found):
        grants += (f'<Grant><Grantee {xsi}="Group"><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee>'
                   "<Permission>READ</Permission></Grant>")
    return _xml("AccessControlPolicy", f"<Owner><ID>owner</ID></Owner><AccessControlList>{grants}</AccessControlList>")


def _place(upload: Multipart, marker: tuple[str, str] = ("", "id")) -> tuple[str, str]:
    """In the order of a listing; a marker without an id stands behind all uploads of its key."""
    return upload.key, upload.upload_id if marker[1] else ""


def _list_uploads(store: Store, record, _body: bytes, page_size: int) -> Answer:
    with store.lock:
        store.bucket(record.bucket)
        query = record.query
        prefix, after = query.get("prefix", ""), (query.get("key-marker", ""), query.get("upload-id-marker", ""))
        found = sorted((one for one in store.uploads.values() if one.bucket == record.bucket
                        and one.key.startswith(prefix) and _place(one, after) > after), key=lambda one: _place(one))
        page = found[:min(page_size, int(query.get("max-uploads") or page_size))]
        more = len(page) < len(found)
    content = (_element("Bucket", record.bucket) + _element("MaxUploads", page_size)
               + _element("IsTruncated", str(more).lower()))
    if more:
        content += _element("NextKeyMarker", page[-1].key) + _element("NextUploadIdMarker", page[-1].upload_id)
    for upload in page:
        owner = "" if upload.initiator is None else f"<Initiator>{_element('ID', upload.initiator)}</Initiator>"
        content += ("<Upload>" + _element("Key", upload.key) + _element("UploadId", upload.upload_id) + owner
                    + _element("Initiated", upload.initiated.strftime("%Y-%m-%dT%H:%M:%S.000Z")) + "</Upload>")
    return _xml("ListMultipartUploadsResult", content)


def _list_objects(store: Store, record, _body: bytes, page_size: int) -> Answer:
    with store.lock:
        prefix = record.query.get("prefix", "")
        found = [(key, one) for key, one in sorted(store.bucket(record.bucket).items()) if key.startswith(prefix)]
    content = (_element("Name", record.bucket) + _element("Prefix", prefix) + _element("KeyCount", len(found))
               + _element("MaxKeys", max(page_size, len(found))) + _element("IsTruncated", "false"))
    for key, one in found:
        content += ("<Contents>" + _element("Key", key) + _element("LastModified", "2026-01-01T00:00:00.000Z")
                    + _element("ETag", f'"{one.etag}"') + _element("Size", len(one.body)) + "</Contents>")
    return _xml("ListBucketResult", content)


def _delete_object(store: Store, record, _body: bytes, _page: int) -> Answer:
    store.delete(record.bucket, record.key)
    return Answer(204)


def _ownership(store: Store, record, _body: bytes, _page: int) -> Answer:
    with store.lock:
        store.bucket(record.bucket)
    return _xml("OwnershipControls", "<Rule>" + _element("ObjectOwnership", store.ownership) + "</Rule>")


_PERFORM = {
    "PutObject": _put_object,
    "CreateMultipartUpload": _create,
    "UploadPart": _upload_part,
    "ListParts": _list_parts,
    "CompleteMultipartUpload": _complete,
    "AbortMultipartUpload": _abort,
    "DeleteObject": _delete_object,
    "GetBucketOwnershipControls": _ownership,
    "GetObject": _get_object,
    "GetObjectAcl": _get_acl,
    "HeadObject": _get_object,
    "ListMultipartUploads": _list_uploads,
    "ListObjectsV2": _list_objects,
}
