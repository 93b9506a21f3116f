"""Import of accounts, keys and buckets from CSV and JSON."""

import csv
import io
import json

import pytest

from api_client import ApiClient
from support import make_file

SECRET = "an-old-secret-of-"
ODD = 'OLD "KEY", a/b?c=d&e%20f+g;{}[]<>|\\~`^\'#$!@*()_=:.'


def written(site, rows: list[dict], name: str = "old.csv", mode: int = 0o600):
    columns = ["kind", "cdn", "user", "api_key", "secret", "bucket", "endpoint", "region", "access_key", "secret_key", "path_style", "permissions"]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    path = site.server.folder / name
    path.write_bytes(text.getvalue().encode())
    path.chmod(mode)
    return path


def key(cdn: int, api_key: str, secret: str = "") -> dict:
    return {"kind": "key", "cdn": cdn, "api_key": api_key, "secret": secret or SECRET + api_key}


def counts(site) -> tuple[int, int, int]:
    return tuple(len(json.loads(site.server.cli(noun, "list", "--json"))) for noun in ("account", "key", "bucket"))


@pytest.fixture
def old(site, fake):
    """A file with an account, a bucket and a key of the usual kind."""
    (site.server.storage / "kc").mkdir()
    site.server.secrets += [fake.secret_key, SECRET]
    return [{"kind": "account", "cdn": 7, "user": "kc"},
            {"kind": "bucket", "cdn": 7, "bucket": "videos", "endpoint": fake.endpoint, "region": "us-east-1", "access_key": fake.access_key,
             "secret_key": fake.secret_key, "path_style": "yes"},
            key(7, "OLD-KEY-0001")]


def test_a_second_run_changes_nothing(site, old):
    path = written(site, old, mode=0o644)
    tried = site.server.run_cli("import", path, "--dry-run")
    assert tried.stdout == "1 account, 1 API key, 1 bucket would be added\n" and "others may read" in tried.stderr, tried
    assert counts(site) == (1, 1, 0)
    path.chmod(0o600)
    done = site.server.run_cli("import", path)
    assert done.returncode == 0 and done.stdout.startswith("1 account, 1 API key, 1 bucket added\n") and done.stderr == "", done
    assert counts(site) == (2, 2, 1)
    assert site.server.cli("import", path) == "nothing to import: all 3 rows are there already\n"
    more = written(site, [*old, key(7, "OLD-KEY-0002")])
    assert json.loads(site.server.cli("import", more, "--json")) == {"dry_run": False, "accounts": 0, "keys": 1, "buckets": 0, "unchanged": 3}
    lines = json.loads(site.server.cli("audit", "list", "--cdn", 7, "--json"))["items"]
    assert {(line["command"], line["door"]) for line in lines} == {(f"{noun}.add", "import") for noun in ("account", "key", "bucket")}


def test_faults_are_told_by_line_and_nothing_is_half_done(site, old):
    rows = [*old, key(7, "OLD-KEY-0002"), key(9, "OLD-KEY-0003"), key(7, "OLD-KEY-0002"), {"kind": "account", "cdn": "x", "user": "lm"}]
    refused = site.server.run_cli("import", written(site, rows))
    assert refused.returncode == 1 and "line 7: this API key is in line 5 already" in refused.stderr and "line 8: cdn" in refused.stderr, refused
    rows = [*old, key(7, "OLD-KEY-0002", "too-short"), key(9, "OLD-KEY-0003"), {"kind": "account", "cdn": 8, "user": "jb"}, key(158, site.key.api_key)]
    refused = site.server.run_cli("import", written(site, rows))
    assert refused.returncode == 1 and "4 faults, and nothing was imported" in refused.stderr, refused
    for text in ("line 5: secret", "line 6: there is no account 9", "line 7: the user 'jb' belongs to account 158", "line 8: API key"):
        assert text in refused.stderr, refused.stderr
    assert SECRET not in refused.stderr and "too-short" not in refused.stderr
    assert counts(site) == (1, 1, 0)


def test_keys_with_odd_characters_sign_calls(site, fake, old):
    secret = 'a secret, with "quotes" \\ and ~ % +'
    site.server.secrets.append(secret)
    assert "2 API keys" in site.server.cli("import", written(site, [*old, key(7, ODD, secret)]))
    make_file(site.server.storage / "kc/film.mp4", 1000)
    client = ApiClient(site.server.url, ODD, secret, cdn=7)
    answer = client.upload("sestore4/kc/film.mp4", "film.mp4", "videos")
    assert answer.ok, answer
    assert client.status(answer.data)["id"] == answer.data
    site.server.cli("key", "set", "--api-key", ODD, "--permissions", "status")
    assert client.upload("sestore4/kc/film.mp4", "2.mp4", "videos").code == "0005"
    site.server.cli("key", "remove", "--api-key", ODD, "--cancel", "--wait")
    assert ODD not in [one["api_key"] for one in json.loads(site.server.cli("key", "list", "--json"))]


def test_json(site, fake, old):
    objects = {"accounts": [], "buckets": [], "keys": []}
    for row in old:
        objects[row["kind"] + "s"].append({name: True if name == "path_style" else value for name, value in row.items() if name != "kind"})
    path = site.server.folder / "old.json"
    path.write_text(json.dumps(objects))
    path.chmod(0o600)
    assert site.server.cli("import", path).startswith("1 account, 1 API key, 1 bucket added\n")
    objects["keys"].append({"cdn": 7, "api_key": "OLD-KEY-0002"})
    path.write_text(json.dumps(objects))
    refused = site.server.run_cli("import", path)
    assert refused.returncode == 1 and "keys[1]: missing required fields: secret" in refused.stderr, refused


def test_ten_thousand_keys(site, old):
    rows = [*old, *(key(7, f"MANY-KEYS-{number:06}") for number in range(10_000))]
    path = written(site, rows)
    done = site.server.run_cli("import", path, within_s=120)
    assert done.returncode == 0 and "10001 API keys" in done.stdout, done
    assert counts(site) == (2, 10_002, 1)
    again = site.server.run_cli("import", path, within_s=120)
    assert again.stdout == "nothing to import: all 10003 rows are there already\n", again
