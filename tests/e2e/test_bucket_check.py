"""`vodlift bucket check`: what it finds in a good bucket, what it says about each fault; and it leaves nothing in the bucket."""

import json
import os
import subprocess

import pytest

from proxy import Proxy
from support import MIB, binary, make_file, wait_until


def check(site, bucket="videos", code=0) -> dict:
    """The findings by topic: {"write": {"finding": "ok", …}}."""
    done = site.server.run_cli("bucket", "check", "--cdn", 158, "--bucket", bucket, "--json")
    assert done.returncode == code, done
    report = json.loads(done.stdout)
    assert len({one["topic"] for one in report["findings"]}) == len(report["findings"]), report
    return {one["topic"]: one for one in report["findings"]} | {"": report}


def words(found: dict) -> dict:
    return {topic: one["finding"] for topic, one in found.items() if topic}


ALL_WELL = {topic: "ok" for topic in ("clock", "credentials", "region", "write", "checksums", "read", "metadata", "overwrite", "acl",
                                      "multipart", "cleanup")}


def nothing_left(fake) -> bool:
    return not fake.store.buckets["videos"] and not fake.open_uploads()


def test_a_good_bucket(site, fake):
    site.use(fake, "videos")
    found = check(site)
    assert words(found) == ALL_WELL, found
    assert fake.access_key in found["credentials"]["message"] and "CRC32C" in found["checksums"]["message"]
    assert "BucketOwnerPreferred" in found["acl"]["message"]
    assert nothing_left(fake)
    shown = site.server.cli("bucket", "check", "--cdn", 158, "--bucket", "videos")
    assert fake.secret_key not in shown and all(line.startswith("ok ") for line in shown.splitlines()[:-2]), shown
    assert shown.endswith("\n\nBucket videos takes uploads.\n"), shown


def test_radosgw(site, rgw, rgw_bucket):
    site.use(rgw, rgw_bucket)
    found = check(site, rgw_bucket)
    assert words(found) | {"overwrite": "ok"} == ALL_WELL | {"metadata": "warn"}, found
    assert "check_name is kept as check-name" in found["metadata"]["message"]
    assert "MD5 only" in found["checksums"]["message"]
    assert "Contents" not in rgw.client.list_objects_v2(Bucket=rgw_bucket)
    assert "Uploads" not in rgw.client.list_multipart_uploads(Bucket=rgw_bucket)


def test_an_old_store(site, fake):
    fake.store.checksums = fake.store.conditional = False
    site.use(fake, "videos")
    found = check(site)
    assert words(found) == ALL_WELL | {"overwrite": "warn"}, found
    assert nothing_left(fake)


@pytest.mark.parametrize("kept,words_of_it", [
    ("dashes", "check_name is kept as check-name, check.name is kept as check-name"),
    ("plain", "check_name is dropped, check.name is dropped")])
def test_names_of_metadata_that_the_store_changes(site, fake, kept, words_of_it):
    fake.store.metadata_names = kept
    site.use(fake, "videos")
    found = check(site)
    assert words(found) == ALL_WELL | {"metadata": "warn"}, found
    assert words_of_it in found["metadata"]["message"] and "letters, digits and -" in found["metadata"]["fix"]
    assert nothing_left(fake)


def test_names_of_metadata_that_a_proxy_drops_from_what_is_signed(site, fake):
    fake.play({"about": "a header is missing", "rules": [
        {"operation": "PutObject", "if_header": "x-amz-meta-check_name", "fault": {"status": 403, "code": "SignatureDoesNotMatch"}}]})
    site.use(fake, "videos")
    found = check(site)
    assert words(found) == ALL_WELL | {"metadata": "warn"}, found
    assert "403 SignatureDoesNotMatch" in found["metadata"]["message"] and "nginx" in found["metadata"]["fix"]
    assert nothing_left(fake)


@pytest.mark.parametrize("policy,word", [("fail", "will fail"), ("private", "made private")])
def test_acls_are_off(site, fake, policy, word):
    fake.store.ownership = "BucketOwnerEnforced"
    site.use(fake, "videos", acl_policy=policy)
    found = check(site)
    assert words(found) == ALL_WELL | {"acl": "warn"}, found
    assert word in found["acl"]["message"] and "BucketOwnerEnforced" in found["acl"]["message"]
    assert "AccessControlListNotSupported" in found["acl"]["message"] and found["acl"]["fix"]


def test_acl_denied(site, fake):
    site.use(fake, "videos")
    fake.play({"about": "no s3:PutObjectAcl", "rules": [
        {"operation": "PutObject", "if_header": "x-amz-acl", "fault": {"status": 403, "code": "AccessDenied"}}]})
    found = check(site)
    assert found["acl"]["finding"] == "warn" and "s3:PutObjectAcl" in found["acl"]["fix"], found


def test_wrong_region(site, fake):
    site.use(fake, "videos", region="eu-north-1")
    found = check(site)
    assert words(found) == ALL_WELL | {"region": "warn"}, found
    assert "us-east-1" in found["region"]["fix"], found


@pytest.mark.parametrize("ahead_s,word", [(-120, "ahead of"), (3600, "behind")])
def test_skewed_clock(site, fake, ahead_s, word):
    fake.clock_ahead_s = ahead_s
    site.use(fake, "videos")
    found = check(site)
    assert words(found) == ALL_WELL | {"clock": "warn"}, found
    assert word in found["clock"]["message"] and "NTP" in found["clock"]["fix"], found


def test_wrong_secret_and_wrong_key(site, fake):
    site.server.add_bucket("videos", fake.endpoint, fake.access_key, "not-the-secret")
    found = check(site, code=1)
    assert found["credentials"]["finding"] == "FAIL" and "SignatureDoesNotMatch" in found["credentials"]["message"], found
    assert "write" not in found
    site.server.add_bucket("videos", fake.endpoint, "AKIAUNKNOWN", fake.secret_key)
    assert "InvalidAccessKeyId" in check(site, code=1)["credentials"]["message"]


def test_no_such_bucket_and_nobody_there(site, fake):
    site.server.add_bucket("absent", fake.endpoint, fake.access_key, fake.secret_key)
    assert check(site, "absent", code=1)["bucket"]["finding"] == "FAIL"
    site.server.add_bucket("videos", "http://127.0.0.1:1", fake.access_key, fake.secret_key)
    assert check(site, code=1)["endpoint"]["finding"] == "FAIL"
    assert site.server.run_cli("bucket", "check", "--cdn", 158, "--bucket", "unknown").returncode == 1


@pytest.mark.parametrize("operation,topic,permission", [
    ("PutObject", "write", "s3:PutObject"), ("HeadObject", "read", "s3:GetObject"),
    ("ListParts", "multipart", "s3:ListMultipartUploadParts"),
    ("AbortMultipartUpload", "multipart", "s3:AbortMultipartUpload")])
def test_a_missing_permission_shows_the_policy(site, fake, operation, topic, permission):
    site.use(fake, "videos")
    fake.play({"about": "a policy with a hole", "rules": [
        {"operation": operation, "fault": {"status": 403, "code": "AccessDenied"}}]})
    found = check(site, code=1)
    assert found[topic]["finding"] == "FAIL" and permission in found[topic]["fix"], found
    assert found[""]["access_denied"]
    assert not fake.store.buckets["videos"], "the object is removed nevertheless"
    shown = site.server.run_cli("bucket", "check", "--cdn", 158, "--bucket", "videos")
    assert f"Uploads to bucket videos do not work: {topic} has failed." in shown.stdout, shown
    assert shown.returncode == 1 and '"arn:aws:s3:::videos/*"' in shown.stdout, shown
    if operation == "AbortMultipartUpload":
        assert "still open" in found[topic]["message"]


def test_may_not_delete(site, fake):
    site.use(fake, "videos")
    fake.play({"about": "no s3:DeleteObject", "rules": [
        {"operation": "DeleteObject", "fault": {"status": 403, "code": "AccessDenied"}}]})
    found = check(site)
    left, = fake.store.buckets["videos"]
    assert found["cleanup"]["finding"] == "warn" and left in found["cleanup"]["message"], found


def test_policy_alone(site, fake):
    site.use(fake, "videos")
    policy = json.loads(site.server.cli("bucket", "check", "--cdn", 158, "--bucket", "videos", "--policy"))
    objects, bucket = policy["Statement"]
    assert objects["Resource"] == "arn:aws:s3:::videos/*" and "s3:PutObjectAcl" not in objects["Action"]
    assert bucket["Resource"] == "arn:aws:s3:::videos"
    public = site.server.cli("bucket", "check", "--cdn", 158, "--bucket", "videos", "--policy", "--public-read")
    assert "s3:PutObjectAcl" in public
    assert not fake.requests, "nothing is tried"


@pytest.fixture
def stranger(rgw):
    """A second user of radosgw, who owns nothing: `id`, `access_key`, `secret_key`."""
    command = ["radosgw-admin", "-c", rgw.folder / "ceph.conf", "-n", "client.rgw", "user"]
    made = subprocess.run([*command, "create", "--uid=stranger", "--display-name=stranger"], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60)
    yield {"id": "stranger"} | {name: json.loads(made.stdout)["keys"][0][name] for name in ("access_key", "secret_key")}
    subprocess.run([*command, "rm", "--uid=stranger"], check=True, stderr=subprocess.DEVNULL, timeout=60)


def test_the_policy_is_enough(new_site, rgw, rgw_bucket, stranger):
    """A user who may do exactly what the policy says: a multipart upload resumes after a crash, and one whose beginning
    was not answered is found and aborted."""
    site = new_site(extra="[litter]\nretry_s = 1\ngrace_s = 1")
    make_file(site.files / "film.mp4", 24 * MIB)
    with Proxy(rgw.endpoint) as proxy:
        site.server.add_bucket(rgw_bucket, proxy.endpoint, stranger["access_key"], stranger["secret_key"], region=rgw.region)
        policy = json.loads(site.server.cli("bucket", "check", "--cdn", 158, "--bucket", rgw_bucket, "--policy"))
        for statement in policy["Statement"]:
            statement["Principal"] = {"AWS": [f"arn:aws:iam:::user/{stranger['id']}"]}
        rgw.client.put_bucket_policy(Bucket=rgw_bucket, Policy=json.dumps(policy))

        creates = []
        proxy.loses = lambda seen: seen.method == "POST" and seen.target.endswith("?uploads=") and not creates.append(seen)
        upload_id = site.queue("film.mp4", rgw_bucket)
        wait_until(lambda: creates, 20, "a Create is lost")
        proxy.loses = lambda seen: False
        proxy.bytes_per_s = 2 * MIB
        wait_until(lambda: any(seen.part and seen.answered == 200 for seen in proxy.seen), 60, "a part has been sent")
        site.server.kill9()
        proxy.bytes_per_s = None
        site.server.start()
        site.wait_for(upload_id, "completed", within_s=60)
    assert any(seen.method == "GET" and "/film.mp4?" in seen.target and "uploadId=" in seen.target and seen.answered == 200 for seen in proxy.seen)
    wait_until(lambda: "no multipart uploads wait" in site.server.cli("bucket", "litter"), 30, "the ledger has nothing to do")
    assert "Uploads" not in rgw.client.list_multipart_uploads(Bucket=rgw_bucket)


def test_credentials_from_elsewhere(site, fake, aws):
    site.server.environment = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": aws.endpoint}
    site.server.restart()
    site.server.cli("bucket", "add", "--cdn", 158, "--bucket", "videos", "--endpoint", fake.endpoint, "--region",
                    "us-east-1", "--credentials", "instance")
    found = check(site)
    assert words(found) == ALL_WELL, found
    assert "uploader" in found["credentials"]["message"] and "expires 20" in found["credentials"]["message"], found
    site.server.secrets += aws.secrets()
    aws.role = ""
    site.server.restart()
    found = check(site, code=1)
    assert list(words(found)) == ["credentials"] and "instance profile" in found["credentials"]["message"], found


def tried(fake, *options, name="vodlift-s3check", folder=None, secret=None) -> subprocess.CompletedProcess:
    """The doctor alone, called as it is installed."""
    program = folder / name
    if not program.exists():
        program.symlink_to(binary())
    return subprocess.run([program, "--bucket", "videos", "--endpoint", fake.endpoint, "--region", "us-east-1", *options],
                          input=secret or fake.secret_key, text=True, capture_output=True, timeout=60, env={"PATH": os.defpath})


def test_the_doctor_alone_needs_no_daemon(fake, tmp_path):
    fake.store.buckets.setdefault("videos", {})
    pair = ("--access-key", fake.access_key, "--secret-key-file", "-")
    done = tried(fake, *pair, "--json", folder=tmp_path)
    assert done.returncode == 0, done
    report = json.loads(done.stdout)
    assert {one["topic"]: one["finding"] for one in report["findings"]} == ALL_WELL
    assert nothing_left(fake) and fake.secret_key not in done.stdout + done.stderr

    wrong = tried(fake, *pair, folder=tmp_path, secret="not-the-secret-of-this-key")
    assert wrong.returncode == 1 and "FAIL  credentials" in wrong.stdout and "not-the-secret" not in wrong.stdout + wrong.stderr
    policy = tried(fake, *pair, "--policy", folder=tmp_path)
    assert policy.returncode == 0 and '"s3:PutObject"' in policy.stdout
    for fault, words in ((("--access-key", fake.access_key), "secret_key"), (("--credentials", "magic"), "magic"),
                         ((*pair, "--kms-key", "alias/films"), "kms_key")):
        refused = tried(fake, *fault, folder=tmp_path)
        assert refused.returncode > 0 and words in refused.stderr and not refused.stdout, refused
