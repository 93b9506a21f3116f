"""What the fake S3 keeps: buckets, objects, multipart uploads, and the rules AWS has for them. No HTTP here."""

import dataclasses
import datetime
import hashlib
import threading
import uuid

from s3_checksums import crc32c_base64, crc32c_of_parts, md5_base64
from s3_errors import S3Error

MIB = 1024 * 1024


SSE = "x-amz-server-side-encryption"


@dataclasses.dataclass
class Part:
    number: int
    body: bytes
    etag: str  # without quotes
    checksum: str | None  # base64 CRC32C, where the store knows checksums and one was sent


@dataclasses.dataclass
class Object:
    body: bytes
    etag: str  # without quotes
    headers: dict[str, str]  # content-type, x-amz-meta-*, x-amz-acl … as they came
    checksum: str | None = None
    checksum_type: str | None = None


@dataclasses.dataclass
class Multipart:
    upload_id: str
    bucket: str
    key: str
    headers: dict[str, str]
    algorithm: str | None
    checksum_type: str | None
    initiator: str | None = None
    initiated: datetime.datetime = dataclasses.field(
        default_factory=lambda: datetime.datetime.now(datetime.timezone.utc))
    parts: dict[int, Part] = dataclasses.field(default_factory=dict)


class Store:
    """Thread-safe. `checksums`: behaves as AWS does; without, as stores from before 2022: unknown headers are ignored.

    `full_object`: what becomes of x-amz-checksum-type FULL_OBJECT, "taken", "refused" or "ignored" (COMPOSITE is made of it).
    `trailers`: what becomes of checksums behind a body, "taken", "ignored" (taken off, and not looked at), "copied" into the
    answer, right or wrong, "refused" (501), or "kept" with their frame as if they were content.
    `content_md5`: it is looked at. `etags`: "md5", "opaque" where they are digests of nothing, or "random" where they only look like one.

    `encryption`: server-side encryption is told of as AWS does, and `kms_keys` are the ids that KMS knows; without, its
    headers are ignored. `conditional`: If-None-Match counts. `ownership`: with "BucketOwnerEnforced" ACLs are refused.
    `tells_whole`: the checksum of an object of parts is told.
    `ignores_acls`: x-amz-acl is taken and has no effect. `public`: a bucket policy lets everyone read.
    `metadata_names`: "kept", "dashes" where _ and . become -, or "plain" where a name that has one is dropped.
    `multipart_metadata`: objects of multipart uploads keep the metadata of Create. `hides_late`: while Complete is carried out
    late, nothing is known of the multipart upload.

    `complete_again` is what a second Complete of a finished upload gets: "ok" (AWS) or "no_such_upload" (many others).
    """

    def __init__(self, checksums: bool = True, complete_again: str = "ok", min_part_size: int = 5 * MIB):
        self.checksums = checksums
        self.complete_again = complete_again
        self.min_part_size = min_part_size
        self.full_object = "taken"
        self.trailers = "taken"
        self.content_md5 = True
        self.etags = "md5"
        self.encryption = True
        self.kms_keys = {"films"}
        self.conditional = True
        self.metadata_names = "kept"
        self.multipart_metadata = True
        self.hides_late = True
        self.ownership = "BucketOwnerPreferred"
        self.ignores_acls = False
        self.tells_whole = True
        self.public = False
        self.lock = threading.RLock()
        self.buckets: dict[str, dict[str, Object]] = {}
        self.uploads: dict[str, Multipart] = {}
        self.finished: dict[str, tuple[str, str]] = {}

    def bucket(self, name: str) -> dict[str, Object]:
        if name not in self.buckets:
            raise S3Error(404, "NoSuchBucket", "The specified bucket does not exist", {"BucketName": name})
        return self.buckets[name]

    def object(self, bucket: str, key: str) -> Object:
        with self.lock:
            objects = self.bucket(bucket)
            if key not in objects:
                raise S3Error(404, "NoSuchKey", "The specified key does not exist.", {"Key": key})
            return objects[key]

    def upload(self, bucket: str, key: str, upload_id: str) -> Multipart:
        found = self.uploads.get(upload_id)
        if not found or (found.bucket, found.key) != (bucket, key):
            raise S3Error(404, "NoSuchUpload", "The specified multipart upload does not exist. The upload ID may be "
                                               "invalid, or the upload may have been aborted or completed.")
        return found

    def check_body(self, headers: dict[str, str], body: bytes) -> str | None:
        """The body's CRC32C where one was sent and is understood. Raises BadDigest where a digest does not fit."""
        if self.content_md5 and headers.get("content-md5", md5_base64(body)) != md5_base64(body):
            raise S3Error(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
        ignored = self.trailers == "ignored" and "x-amz-trailer" in headers
        if not self.checksums or ignored or "x-amz-checksum-crc32c" not in headers:
            return None
        copied = self.trailers == "copied" and "x-amz-trailer" in headers
        if not copied and headers["x-amz-checksum-crc32c"] != crc32c_base64(body):
            raise S3Error(400, "BadDigest", "The CRC32C you specified did not match the calculated checksum.")
        return headers["x-amz-checksum-crc32c"]

    def put(self, bucket: str, key: str, headers: dict[str, str], kept: dict[str, str], body: bytes) -> Object:
        """Stores an object; of `headers` only `kept` stay with it."""
        checksum = self.check_body(headers, body)
        self.check_acl(headers)
        made = Object(body, self.etag_of(body, kept), kept, checksum, "FULL_OBJECT" if checksum else None)
        with self.lock:
            self._check_condition(bucket, key, headers)
            self.bucket(bucket)[key] = made
        return made

    def _check_condition(self, bucket: str, key: str, headers: dict[str, str]) -> None:
        if self.conditional and headers.get("if-none-match") == "*" and key in self.bucket(bucket):
            raise S3Error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")

    def encrypted(self, headers: dict[str, str]) -> dict[str, str]:
        """What answers say of the encryption that `headers` ask for; it stays with the object."""
        asked = {name: value for name, value in headers.items() if name.startswith(SSE)} if self.encryption else {}
        if not asked:
            return {}
        key = asked.get(f"{SSE}-aws-kms-key-id")
        if asked.get(SSE) not in ("AES256", "aws:kms"):
            raise S3Error(400, "InvalidEncryptionAlgorithmError", "The encryption request you specified is not valid.")
        if asked[SSE] == "AES256" and len(asked) > 1:
            raise S3Error(400, "InvalidArgument", "Server Side Encryption with KMS managed key requires HTTP header "
                                                  "x-amz-server-side-encryption : aws:kms")
        if key is not None and key not in self.kms_keys:
            raise S3Error(400, "KMS.NotFoundException", f"Invalid keyId '{key}'")
        if asked[SSE] == "aws:kms":
            asked[f"{SSE}-aws-kms-key-id"] = f"arn:aws:kms:us-east-1:1:key/{key or 'aws-s3'}"
        return asked

    def etag_of(self, body: bytes, headers: dict[str, str]) -> str:
        """The MD5; under KMS something that looks like one."""
        if self.etags == "opaque":
            return f"v1:{uuid.uuid4().hex}"
        if self.etags == "random":
            return uuid.uuid4().hex
        return uuid.uuid4().hex if headers.get(SSE) == "aws:kms" else hashlib.md5(body).hexdigest()

    def check_acl(self, headers: dict[str, str]) -> None:
        acl = headers.get("x-amz-acl", "bucket-owner-full-control")
        if self.ownership == "BucketOwnerEnforced" and acl != "bucket-owner-full-control":
            raise S3Error(400, "AccessControlListNotSupported", "The bucket does not allow ACLs")

    def is_public(self, found: Object) -> bool:
        return not self.ignores_acls and found.headers.get("x-amz-acl", "").startswith("public-read")

    def anyone_may(self, operation: str, bucket: str, key: str) -> bool:
        """Whether a request without a signature is let through."""
        with self.lock:
            found = self.buckets.get(bucket, {}).get(key)
        return operation in ("GetObject", "HeadObject") and found is not None and (self.public or self.is_public(found))

    def delete(self, bucket: str, key: str) -> None:
        with self.lock:
            self.bucket(bucket).pop(key, None)

    def create(self, bucket: str, key: str, headers: dict[str, str], initiator: str | None = None) -> Multipart:
        algorithm = headers.get("x-amz-checksum-algorithm") if self.checksums else None
        kind = headers.get("x-amz-checksum-type", "COMPOSITE") if algorithm else None
        self.check_acl(headers)
        if algorithm not in (None, "CRC32C"):
            raise S3Error(501, "NotImplemented", f"the fake knows no {algorithm}")
        if kind not in (None, "COMPOSITE", "FULL_OBJECT"):
            raise S3Error(400, "InvalidRequest", "Value for x-amz-checksum-type header is invalid.")
        if kind == "FULL_OBJECT" and self.full_object == "refused":
            raise S3Error(400, "InvalidRequest", "The FULL_OBJECT checksum type cannot be used with crc32c.")
        if kind and self.full_object == "ignored":
            kind = "COMPOSITE"
        with self.lock:
            self.bucket(bucket)
            # Real ids have such characters too: a client that does not encode them must fail here.
            made = Multipart(f"fake+{uuid.uuid4().hex}/~==", bucket, key, headers, algorithm, kind, initiator)
            self.uploads[made.upload_id] = made
        return made

    def put_part(self, bucket: str, key: str, upload_id: str, number: int, headers: dict[str, str],
                 body: bytes) -> Part:
        if not 1 <= number <= 10000:
            raise S3Error(400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
        with self.lock:
            upload = self.upload(bucket, key, upload_id)
        if self.checksums:
            sent = "CRC32C" if "x-amz-checksum-crc32c" in headers else None
            if sent != upload.algorithm:
                raise S3Error(400, "InvalidRequest", f"Checksum Type mismatch occurred, expected checksum Type: "
                                                     f"{upload.algorithm}, actual checksum Type: {sent}")
        if any(name.startswith(SSE) for name in headers):
            raise S3Error(400, "InvalidArgument", "x-amz-server-side-encryption header is not supported for this operation.")
        checksum = self.check_body(headers, body)
        part = Part(number, body, self.etag_of(body, upload.headers), checksum)
        with self.lock:
            self.upload(bucket, key, upload_id).parts[number] = part
        return part

    def complete(self, bucket: str, key: str, upload_id: str, headers: dict[str, str],
                 listed: list[dict[str, str]]) -> Object:
        with self.lock:
            if self.finished.get(upload_id) == (bucket, key) and self.complete_again == "ok":
                return self.object(bucket, key)
            upload = self.upload(bucket, key, upload_id)
            self._check_condition(bucket, key, headers)
            parts = self._listed_parts(upload, listed)
            body = b"".join(part.body for part in parts)
            checksum = None
            if upload.checksum_type == "FULL_OBJECT":
                checksum = crc32c_base64(body)
            elif upload.checksum_type == "COMPOSITE":
                checksum = crc32c_of_parts([part.checksum for part in parts])
            if self.checksums:
                self._check_whole(upload, headers, len(body), checksum)
            if self.etags in ("opaque", "random"):
                etag = self.etag_of(body, upload.headers)
            else:
                digest = hashlib.md5(b"".join(bytes.fromhex(part.etag) for part in parts)).hexdigest()
                etag = f"{digest}-{len(parts)}"
            kept = {name: value for name, value in upload.headers.items()
                    if self.multipart_metadata or not name.startswith("x-amz-meta-")}
            made = Object(body, etag, kept, checksum, upload.checksum_type)
            self.bucket(bucket)[key] = made
            del self.uploads[upload_id]
            self.finished[upload_id] = (bucket, key)
            return made

    def _listed_parts(self, upload: Multipart, listed: list[dict[str, str]]) -> list[Part]:
        numbers = [int(one["PartNumber"]) for one in listed]
        if not numbers:
            raise S3Error(400, "MalformedXML", "The XML you provided was not well-formed")
        if numbers != sorted(set(numbers)):
            raise S3Error(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
        parts = []
        for one, number in zip(listed, numbers):
            part = upload.parts.get(number)
            if not part or one.get("ETag", "").strip('"') != part.etag:
                raise S3Error(400, "InvalidPart", f"Part {number} could not be found, or its ETag does not match.")
            told = one.get("ChecksumCRC32C")
            if (told and told != part.checksum) or (not told and upload.checksum_type == "COMPOSITE"):
                raise S3Error(400, "InvalidPart", f"The checksum of part {number} is missing or does not match.")
            parts.append(part)
        for part in parts[:-1]:
            if len(part.body) < self.min_part_size:
                raise S3Error(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
        return parts

    @staticmethod
    def _check_whole(upload: Multipart, headers: dict[str, str], true_size: int, checksum: str | None) -> None:
        size = headers.get("x-amz-mp-object-size")
        if size is not None and size != str(true_size):
            raise S3Error(400, "InvalidRequest", f"The provided object size {size} does not match {true_size}")
        kind = headers.get("x-amz-checksum-type")
        if kind is not None and kind != upload.checksum_type:
            raise S3Error(400, "InvalidRequest", "The upload was created using another checksum type.")
        told = headers.get("x-amz-checksum-crc32c")
        if told is not None and told != checksum:
            raise S3Error(400, "BadDigest", "The CRC32C you specified did not match the calculated checksum.")

    def take(self, upload_id: str) -> Multipart | None:
        """Hides a multipart upload until give_back()."""
        with self.lock:
            return self.uploads.pop(upload_id, None)

    def give_back(self, upload: Multipart | None) -> None:
        if upload:
            with self.lock:
                self.uploads[upload.upload_id] = upload

    def abort(self, bucket: str, key: str, upload_id: str) -> None:
        with self.lock:
            self.upload(bucket, key, upload_id)
            del self.uploads[upload_id]
