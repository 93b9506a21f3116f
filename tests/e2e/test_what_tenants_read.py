"""A customer reads why an upload failed, but nothing of the host: no path, profile, credential file or token. The operator reads all."""

import json

import pytest

from fake_aws import ACCOUNT_ROLE
from support import KIB, make_file, wait_until
from test_credentials import cloud

PROFILE = "internal-profile-9"


def own_profile(folder, text: str) -> dict:
    (folder / "aws-credentials").write_text(text)
    return {"AWS_PROFILE": PROFILE, "AWS_SHARED_CREDENTIALS_FILE": folder / "aws-credentials", "AWS_CONFIG_FILE": folder / "aws-config"}


def a_file(path, text: str = ""):
    path.write_text(text)
    return path


# Each: how credentials are found, and the environment in which they are not, made from the site's folder.
SOURCES = {
    "profile absent": ("profile", lambda folder: own_profile(folder, "[other]\n")),
    "profile without keys": ("profile", lambda folder: own_profile(folder, f"[{PROFILE}]\nregion = x\n")),
    "profile of another kind": ("profile", lambda folder: own_profile(folder, f"[{PROFILE}]\ncredential_process = /opt/internal/tool\n")),
    "file malformed": ("profile", lambda folder: own_profile(folder, f"[{PROFILE}\n")),
    "file a folder": ("profile", lambda folder: {"AWS_SHARED_CREDENTIALS_FILE": folder}),
    "role of a profile": ("profile", lambda folder: own_profile(
        folder, f"[{PROFILE}]\nrole_arn = {ACCOUNT_ROLE}\nsource_profile = {PROFILE}\naws_access_key_id = AKIAINTERNAL\naws_secret_access_key = x\n")),
    "token file absent": ("web-identity", lambda folder: {
        "AWS_WEB_IDENTITY_TOKEN_FILE": folder / "token", "AWS_ROLE_ARN": ACCOUNT_ROLE}),
    "token file empty": ("web-identity", lambda folder: {
        "AWS_WEB_IDENTITY_TOKEN_FILE": a_file(folder / "token"), "AWS_ROLE_ARN": ACCOUNT_ROLE}),
    "token refused": ("web-identity", lambda folder: {
        "AWS_WEB_IDENTITY_TOKEN_FILE": a_file(folder / "token", "not.this.one"), "AWS_ROLE_ARN": ACCOUNT_ROLE}),
    "container's token file absent": ("container", lambda folder: {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/internal", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": folder / "token"}),
    "container's endpoint dead": ("container", lambda folder: {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/internal"}),
    "container's endpoint of another host": ("container", lambda folder: {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://internal.example/x"}),
    "nowhere": ("default", lambda folder: {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": folder / "aws-config"}),
}


def host_words(site) -> list[str]:
    return [str(site.server.folder), PROFILE, "internal", "aws-credentials", "aws-config", "token", "AKIAINTERNAL", ACCOUNT_ROLE,
            "127.0.0.1:1", "AWS_", ".aws"]


def has_failed(site, upload_id: int) -> dict:
    def failed():
        upload = site.api.status(upload_id)
        return upload if upload["error"] else None

    return wait_until(failed, 30, "an attempt has failed", poll_s=0.1)


@pytest.mark.parametrize("kind", SOURCES)
def test_credentials_of_the_host_are_not_told(cloud, fake, receiver, kind):
    site = cloud()
    source, environment_in = SOURCES[kind]
    cloud(**environment_in(site.server.folder))
    site.server.cli("bucket", "add", "--cdn", 158, "--bucket", "videos", "--endpoint", fake.endpoint, "--region", "us-east-1",
                    "--path-style", "--credentials", source)
    make_file(site.files / "film.mp4", KIB)
    upload_id = site.queue("film.mp4", "videos", callback=receiver.url)
    upload = has_failed(site, upload_id)
    if upload["state"] != "failed":
        # This kind is tried again. The callback comes when the customer gives up.
        assert site.api.call("aws.cancel", id=upload_id).ok
    wait_until(lambda: receiver.received, 15, "the callback arrives")
    told = json.dumps(site.api.status(upload_id)["error"]) + receiver.received[0].json["message"] + \
        json.dumps(receiver.received[0].json["data"]["error"])
    assert "credentials for this bucket" in told
    found = [word for word in host_words(site) if word in told]
    assert not found, (found, told)
    logged = [line for line in site.server.logs().splitlines() if '"upload":' in line and "credentials for this bucket" in line]
    assert any(word in line for line in logged for word in host_words(site)), site.server.logs()
    shown = json.loads(site.server.cli("status", upload_id, "--json"))["error"]
    assert any(word in shown["detail"] for word in host_words(site)), shown
    assert shown["detail"].split(":")[0] in site.server.cli("status", upload_id)
    listed = json.loads(site.server.cli("status", "--json"))[0]["error"]
    assert listed == shown
    for command, fields in (("aws.status", {"id": upload_id}), ("aws.status", {"limit": 5})):
        assert list(site.api.call(command, **fields).data[0]["error"]) == ["code", "message", "retryable"]
    assert list(receiver.received[0].json["data"]["error"]) == ["code", "message", "retryable"]


def test_files_of_certificates_and_proxies_are_not_told(cloud, fake, receiver):
    site = cloud()
    bundle = a_file(site.server.folder / "internal-bundle.pem", "nothing")
    for environment in ({"AWS_CA_BUNDLE": bundle}, {"HTTPS_PROXY": "http://internal-proxy.invalid:3128"},
                        {"HTTPS_PROXY": fake.endpoint, "NO_PROXY": "internal"}):
        cloud(**environment)
        site.server.cli("bucket", "add", "--cdn", 158, "--bucket", "videos", "--endpoint", "https://127.0.0.1:1", "--region", "us-east-1",
                        "--path-style", "--access-key", "AKIA", "--secret-key-file", "-", "--replace", stdin="secret")
        make_file(site.files / "film.mp4", KIB)
        upload = has_failed(site, site.queue("film.mp4", "videos", f"{len(environment)}{list(environment)[0]}"))
        told = json.dumps(upload["error"])
        assert "internal" not in told and str(site.server.folder) not in told, told
        assert "tunnel" not in told, "what the proxy said is the operator's"
    assert "tunnel" in json.loads(site.server.cli("status", upload["id"], "--json"))["error"]["detail"]


def test_the_path_of_the_database_is_not_told(site, fake):
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    with site.server.full_disk():
        answer = site.api.upload("sestore4/jb/film.mp4", "film.mp4", "videos")
    assert not answer.ok and str(site.server.folder) not in answer.message, answer
