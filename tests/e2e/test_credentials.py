"""Buckets whose credentials come from elsewhere: every source end to end, renewal, refusals, proxy and certificates."""

import json
import ssl
import uuid

import pytest

from certificates import make_certificate
from connect_proxy import ConnectProxy
from fake_aws import ACCOUNT_ROLE
from support import KIB, MIB, make_file, sha256, wait_until

LONG_KEY, LONG_SECRET = "AKIAFAKELONG", "fake/long+lived+secret"


@pytest.fixture
def cloud(site, aws):
    """The site, with a daemon that finds `aws` in its environment; start(NAME=value…) restarts it with more of it."""

    def start(**environment):
        site.server.environment = {
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": aws.endpoint, "AWS_ENDPOINT_URL_STS": aws.endpoint,
            "HOME": str(site.server.folder)} | {name: str(value) for name, value in environment.items()}
        site.server.restart()
        return site

    yield start
    site.server.secrets += aws.secrets()


def add_bucket(site, fake, *options, region="us-east-1") -> None:
    site.server.cli("bucket", "add", "--cdn", 158, "--bucket", "videos", "--endpoint", fake.endpoint, "--region", region,
                    "--path-style", "--replace", *options)


def upload(site, fake, size=100 * KIB) -> None:
    digest = make_file(site.files / "film.mp4", size)
    # A name of its own: the same call within a second would be a repeat, and get the first id.
    key = f"{uuid.uuid4().hex}.mp4"
    site.wait_for(site.queue("film.mp4", "videos", key), "completed")
    assert sha256(fake.object("videos", key).body) == digest


def refused(site, upload_id) -> dict:
    """The upload once it waits for a key that works."""
    return wait_until(lambda: (one := site.api.status(upload_id))["state"] == "queued" and one["error"] and one, 20,
                      "it waits for a key")


def signers(fake) -> set[str]:
    return {one.headers["authorization"].partition("Credential=")[2].partition("/")[0] for one in fake.requests}


def test_instance_role(cloud, fake, aws):
    site = cloud()
    add_bucket(site, fake, "--credentials", "instance")
    upload(site, fake, 20 * MIB)
    upload(site, fake)
    assert [issued.by for issued in aws.issued] == ["imds"], "one look-up for all"
    assert signers(fake) == {aws.issued[0].access_key}
    assert [(one.method, one.status) for one in aws.seen] == [("PUT", 200), ("GET", 200), ("GET", 200)]
    bucket, = json.loads(site.server.cli("bucket", "list", "--json"))
    assert (bucket["credentials"], bucket["access_key"]) == ("instance", "")


def test_container_and_its_token_file(cloud, fake, aws):
    site = cloud()
    token = site.server.folder / "token"
    token.write_text(aws.container_token + "\n")
    cloud(AWS_CONTAINER_CREDENTIALS_FULL_URI=aws.endpoint + "/container", AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=token)
    add_bucket(site, fake, "--credentials", "container")
    upload(site, fake)
    assert [issued.by for issued in aws.issued] == ["container"]


def test_web_identity_and_another_role_with_it(cloud, fake, aws):
    site = cloud()
    token = site.server.folder / "jwt"
    token.write_text(aws.web_token)
    cloud(AWS_WEB_IDENTITY_TOKEN_FILE=token, AWS_ROLE_ARN=ACCOUNT_ROLE)
    add_bucket(site, fake, "--credentials", "web-identity")
    upload(site, fake)
    aws.external_id = "158=x"
    add_bucket(site, fake, "--credentials", "web-identity", "--role-arn", ACCOUNT_ROLE, "--external-id", "158=x")
    upload(site, fake)
    assert [issued.by for issued in aws.issued] == [
        "AssumeRoleWithWebIdentity", "AssumeRoleWithWebIdentity", "AssumeRole"]


def test_role_by_the_buckets_own_pair(cloud, fake, aws):
    site = cloud()
    aws.long_lived[LONG_KEY] = LONG_SECRET
    aws.external_id = "customer-158"
    pair = ["--access-key", LONG_KEY, "--secret-key-file", "-", "--role-arn", ACCOUNT_ROLE]

    def add(*more):
        site.server.cli("bucket", "add", "--cdn", 158, "--bucket", "videos", "--endpoint", fake.endpoint, "--region",
                        "us-east-1", "--path-style", "--replace", *pair, *more, stdin=LONG_SECRET)

    add("--external-id", "someone-else")
    make_file(site.files / "film.mp4", KIB)
    waits = refused(site, site.queue("film.mp4", "videos"))
    assert waits["error"]["code"] == "s3_credential", waits
    logs = site.server.logs()
    assert "AccessDenied" in logs and "external id" in logs, logs
    add("--external-id", "customer-158")
    upload(site, fake)
    assert signers(fake) == {aws.issued[0].access_key}


def test_profile_is_read_again_when_it_changes(cloud, fake, aws):
    site = cloud(AWS_PROFILE="media")
    folder = site.server.folder / ".aws"
    folder.mkdir()
    credentials = folder / "credentials"
    credentials.write_text(f"[media]\naws_access_key_id = WRONG\naws_secret_access_key = {LONG_SECRET}\n")
    add_bucket(site, fake, "--credentials", "profile")
    make_file(site.files / "film.mp4", KIB)
    waits = refused(site, site.queue("film.mp4", "videos"))
    assert "InvalidAccessKeyId" in waits["error"]["message"], waits
    credentials.write_text(f"[media]\naws_access_key_id = {fake.access_key}\naws_secret_access_key = {fake.secret_key}\n")
    upload(site, fake)  # the next try has the file read again
    assert site.server.logs().count("looking them up again") <= 3


def test_default_takes_the_environment_first(cloud, fake, aws):
    site = cloud(AWS_ACCESS_KEY_ID=fake.access_key, AWS_SECRET_ACCESS_KEY=fake.secret_key)
    site.server.secrets.append(fake.secret_key)
    add_bucket(site, fake, "--credentials", "default")
    upload(site, fake)
    assert not aws.seen and signers(fake) == {fake.access_key}


def test_renewed_before_they_expire(cloud, fake, aws):
    aws.lifetime_s = 60  # half of it is the time to renew
    site = cloud()
    add_bucket(site, fake, "--credentials", "instance")
    upload(site, fake)
    first = aws.issued[0]
    assert not [one for one in fake.requests if one.error]
    aws.broken = True
    upload(site, fake)
    assert signers(fake) == {first.access_key}, "nothing that fails in the background stops an upload"


def test_a_metadata_service_that_is_down_fails_no_upload(cloud, fake, aws):
    site = cloud()
    add_bucket(site, fake, "--credentials", "instance")
    aws.broken = True
    digest = make_file(site.files / "film.mp4", KIB)
    upload_id = site.queue("film.mp4", "videos")
    waiting = wait_until(lambda: (one := site.api.status(upload_id)).get("error") and one, 20, "a first attempt is over")
    assert waiting["state"] == "queued" and waiting["error"]["code"] == "s3_credential", waiting
    assert "IMDSv2" in site.server.logs()
    aws.broken = False
    site.wait_for(upload_id, "completed")
    assert sha256(fake.object("videos", "film.mp4").body) == digest


@pytest.fixture
def tls(fake, tmp_path):
    """`fake` over TLS with a certificate of its own for storage.test; gives back the certificate's file."""
    certificate, key = make_certificate(tmp_path, hosts=("storage.test", "127.0.0.1"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    fake._server.socket = context.wrap_socket(fake._server.socket, server_side=True)
    fake.endpoint = f"https://storage.test:{fake.port}"
    return certificate


def test_environment_names_endpoint_region_certificate_and_proxy(site, fake, tls, receiver):
    with ConnectProxy() as proxy:
        site.server.environment = {
            "AWS_ENDPOINT_URL_S3": fake.endpoint + "/", "AWS_REGION": "us-east-1", "AWS_CA_BUNDLE": str(tls),
            "HTTPS_PROXY": proxy.url, "NO_PROXY": "", "http_proxy": proxy.url, "ALL_PROXY": proxy.url}
        site.server.restart()
        site.server.cli("bucket", "add", "--cdn", 158, "--bucket", "videos", "--access-key", fake.access_key,
                        "--secret-key-file", "-", "--path-style", stdin=fake.secret_key)
        digest = make_file(site.files / "film.mp4", 20 * MIB)
        upload_id = site.queue("film.mp4", "videos", callback=receiver.url)
        site.wait_for(upload_id, "completed")
        assert sha256(fake.object("videos", "film.mp4").body) == digest
        wait_until(lambda: receiver.received, 20, "the callback came")
        assert set(proxy.asked) == {f"storage.test:{fake.port}"}, "S3 alone goes through it, and callbacks never"
        assert not any(b"uthorization" in head or b"amz" in head.lower() for head in proxy.heads)
    bucket, = json.loads(site.server.cli("bucket", "list", "--json"))
    assert (bucket["endpoint"], bucket["region"]) == (fake.endpoint, "us-east-1")


def test_no_proxy_and_a_certificate_nobody_vouches_for(site, fake, tls):
    fake.endpoint = f"https://127.0.0.1:{fake.port}"
    with ConnectProxy() as proxy:
        site.server.environment = {"HTTPS_PROXY": proxy.url, "NO_PROXY": "127.0.0.0/8"}
        site.server.restart()
        site.use(fake, "videos")
        make_file(site.files / "film.mp4", KIB)
        upload_id = site.queue("film.mp4", "videos")
        waiting = wait_until(lambda: (one := site.api.status(upload_id)).get("error") and one, 20, "an attempt is over")
        assert waiting["error"]["code"] == "tls", waiting
        assert not fake.requests and not proxy.asked
        site.server.environment["AWS_CA_BUNDLE"] = str(tls)
        site.server.restart()
        site.wait_for(upload_id, "completed")
        assert not proxy.asked
