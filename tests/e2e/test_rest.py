"""The REST API: docs/openapi.yaml and the running server say the same, in both directions."""

import pathlib

import jsonschema
import pytest
import yaml

from rest_client import RestClient, TcpClient
from support import ROOT, make_file, wait_until

DOCUMENT = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text())
METHODS = ("get", "post", "put", "patch", "delete")


def resolved(node):
    """The node that a $ref leads to, with what stands next to the $ref."""
    while isinstance(node, dict) and "$ref" in node:
        target = DOCUMENT
        for word in node["$ref"].removeprefix("#/").split("/"):
            target = target[word]
        node = {**target, **{name: value for name, value in node.items() if name != "$ref"}}
    return node


def operations():
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method], [*item.get("parameters", ()), *item[method].get("parameters", ())]


def properties_of(schema) -> tuple[dict, set]:
    """All properties of a schema and the names of those that are required; allOf is followed."""
    schema = resolved(schema)
    properties, required = dict(schema.get("properties", {})), set(schema.get("required", ()))
    for part in schema.get("allOf", ()):
        more, needed = properties_of(part)
        properties |= more
        required |= needed
    return properties, required


def documented_fields(operation, parameters) -> dict:
    """Of each field: its schema, and whether it is required."""
    fields = {}
    for parameter in map(resolved, parameters):
        if parameter["in"] != "header":
            fields[parameter["name"]] = (resolved(parameter["schema"]), parameter.get("required", False))
    for content in operation.get("requestBody", {}).get("content", {}).values():
        properties, required = properties_of(content["schema"])
        fields |= {name: (resolved(schema), name in required) for name, schema in properties.items()}
    return fields


def check_field(spec: dict, schema: dict):
    """Type, words and range of a field are those of its schema."""
    kind, words = spec["type"], spec.get("words")
    if kind in ("words", "ids", "texts", "objects"):
        assert schema["type"] == "array"
        assert resolved(schema["items"]).get("enum") == words
        if kind != "words":
            assert schema["maxItems"] == spec["high"]
        return
    assert schema["type"] == {"number": "integer", "flag": "boolean", "pairs": "object"}.get(kind, "string")
    assert schema.get("enum") == words
    largest = 2**63 - 1
    if kind == "number":
        assert schema["minimum"] == spec["low"]
        assert schema.get("maximum", largest) == spec["high"]
    if "otherwise" in spec:
        assert str(schema["default"]) == spec["otherwise"]


@pytest.fixture
def rest(site) -> RestClient:
    return RestClient(site.server.socket)


def test_the_document_has_exactly_the_routes_and_fields_of_the_server(rest):
    routes = {route["name"]: route for route in rest.call("GET", "/routes").data["items"]}
    documented = {operation["operationId"]: (path, method, operation, parameters)
                  for path, method, operation, parameters in operations()}
    assert set(routes) == set(documented)
    for name, route in routes.items():
        path, method, operation, parameters = documented[name]
        assert (route["path"], route["method"]) == (path, method.upper()), name
        assert set(route["roles"]) == set(operation["x-roles"]), name
        takes_a_key = any(resolved(one)["name"] == "Idempotency-Key" for one in parameters)
        assert takes_a_key == route["repeatable"], name
        fields = documented_fields(operation, parameters)
        assert {field["name"] for field in route["fields"]} == set(fields), name
        for field in route["fields"]:
            schema, required = fields[field["name"]]
            try:
                assert field["required"] == required
                check_field(field, schema)
            except (AssertionError, KeyError) as why:
                raise AssertionError(f"{name}, {field['name']}: {field} but {schema}, required={required}") from why


class Validator:
    """Compares answers with the document, and knows which operations were called."""

    def __init__(self, rest: RestClient):
        self._rest = rest
        self.called: set[str] = set()
        self._operations = {operation["operationId"]: (path, method, operation) for path, method, operation, _ in operations()}

    def __call__(self, name: str, /, status: int = 200, body=None, query=None, headers=None, **words):
        path, method, operation = self._operations[name]
        answer = self._rest.call(method.upper(), path.format(**words), body, query, headers)
        assert answer.status == status, (name, answer)
        declared = resolved(operation["responses"].get(str(status), operation["responses"]["default"]))
        media_type, content = next(iter(declared["content"].items()))
        assert answer.headers["Content-Type"] == media_type, name
        assert set(declared.get("headers", ())) <= set(answer.headers), name
        schema = {"components": DOCUMENT["components"], **content["schema"]}
        jsonschema.Draft202012Validator(schema).validate(answer.data)
        self._no_member_is_undocumented(answer.data, schema, name)
        self.called.add(name)
        return answer.data

    def _no_member_is_undocumented(self, data, schema, where):
        schema = resolved(schema)
        if isinstance(data, list):
            for one in data:
                self._no_member_is_undocumented(one, schema.get("items", {}), where)
        if not isinstance(data, dict):
            return
        for choice in schema.get("oneOf", ()):
            if resolved(choice).get("type") == "object":
                return self._no_member_is_undocumented(data, choice, where)
        properties, _ = properties_of(schema)
        if not properties:  # their names are data
            return
        assert set(data) <= set(properties), (where, set(data) - set(properties))
        for name, value in data.items():
            self._no_member_is_undocumented(value, properties[name], f"{where}.{name}")


def test_every_operation_answers_as_documented(site, fake, receiver, rest):
    call = Validator(rest)
    make_file(site.files / "film.mp4", 1000)
    call("route.list")
    call("account.add", 201, {"cdn": 7, "user": "kc", "weight": 2})
    call("account.add", 409, {"cdn": 7, "user": "kc"})
    call("account.show", cdn=7)
    call("account.set", body={"weight": 3, "uploads_at_once": 2, "callback_format": "form", "callback_https_only": True}, cdn=7)
    site.server.secrets.append(call("account.rotate", body={"overlap_s": 60}, cdn=7)["webhook_secret"])
    assert call("account.show", cdn=7)["previous_until"]
    call("account.list")
    rows = [{"kind": "account", "cdn": 8, "user": "lm"}, {"kind": "key", "cdn": 8, "api_key": "short", "secret": "an-old-secret-0002"}]
    assert call("import.run", body={"rows": rows, "dry_run": True})["outcomes"] == ["added", "refused"]
    assert call("import.run", body={"rows": rows[:1]})["added"] == 1
    key = call("key.add", 201, {"cdn": 7, "permissions": "status", "networks": ["192.0.2.0/24"], "expires": 4_000_000_000})
    imported = call("key.add", 201, {"cdn": 7, "api_key": "OLD-KEY-0001", "secret": "an-old-secret-0001"})
    assert "secret" not in imported
    call("key.show", api_key=key["api_key"])
    call("key.set", body={"buckets": ["videos"]}, api_key=key["api_key"])
    site.server.secrets.append(call("key.rotate", body={"overlap_s": 60}, api_key=key["api_key"])["secret"])
    call("key.revoke", api_key=key["api_key"])
    call("key.list", query={"cdn": 7})
    bucket = {"cdn": 158, "bucket": "videos", "endpoint": fake.endpoint, "region": "us-east-1", "access_key": fake.access_key,
              "secret_key": fake.secret_key, "path_style": True}
    call("bucket.add", 201, bucket)
    call("bucket.show", cdn=158, bucket="videos")
    call("bucket.set", body={"acl_policy": "private"}, cdn=158, bucket="videos")
    call("bucket.list")
    call("bucket.check", body={}, cdn=158, bucket="videos")
    call("bucket.litter", query={"limit": 5})
    call("limit.set", body={"cdn": 158, "rate": "50MB", "timetable": ["Mon-Fri 08:00-18:00 10MB"], "time_zone": "Europe/Berlin"})
    call("limit.list")
    call("limit.remove", query={"cdn": 158})
    call("storage.list")
    assert call("file.list", query={"path": "sestore4/jb"})["total"] == 1
    assert call("folder.list", query={"path": "sestore4/jb"})["total"] == 1

    upload = {"cdn": 158, "path": "sestore4/jb/film.mp4", "destination_path": "film.mp4", "bucket": "videos",
              "metadata": {"a": "b"}, "callback": receiver.url}
    queued = call("upload.add", 201, upload, headers={"Idempotency-Key": "one"})["id"]
    assert call("upload.add", 201, upload, headers={"Idempotency-Key": "one"})["id"] == queued
    wait_until(lambda: call("upload.show", id=queued)["state"] == "completed", 20, "the upload is completed")
    wait_until(lambda: call("callback.list", query={"upload": queued})["items"][0]["state"] == "delivered", 20, "its callback is delivered")
    receivers = call("callback.receivers", query={"cdn": 158})["items"]
    assert [(one["delivered"], one["pending"]) for one in receivers] == [(1, 0)]
    callback = call("callback.list", query={"state": "delivered", "limit": 1})["items"][0]["id"]
    assert len(call("callback.show", id=callback)["tries"]) == 1
    call("callback.send", id=callback)
    wait_until(lambda: len(call("callback.show", id=callback)["tries"]) == 2, 20, "it is delivered again")
    assert call("callback.test", body={"cdn": 158, "url": receiver.url})["delivered"]

    many = {"cdn": 158, "path": "sestore4/jb", "bucket": "videos", "files": ["film.mp4", "none.mp4"]}
    assert call("upload.add_many", body=many | {"dry_run": True})["accepted"] == 1
    done = [call("upload.add_many", body=many | {"destination_path": "many/"}, headers={"Idempotency-Key": "many"}) for _ in range(2)]
    assert done[0] == done[1] and done[0]["refused"] == 1 and done[0]["items"][0]["id"] == queued + 1

    site.use(fake, "elsewhere")
    call("upload.pause", 409, id=queued)
    fake.play({"about": "nothing is answered", "rules": [{"operation": "PutObject", "fault": {"hold": True}}]})
    waiting = call("upload.add", 201, upload | {"bucket": "elsewhere", "callback": ""})["id"]
    for action in ("pause", "cancel"):
        call(f"upload.{action}", id=waiting)
        wait_until(lambda: call("upload.show", id=waiting)["state"] == {"pause": "paused", "cancel": "cancelled"}[action], 20, action)
        if action == "pause":
            call("upload.resume", id=waiting)
    again = call("upload.retry", id=waiting)["id"]
    assert call("upload.show", id=waiting)["retried_as"] == again
    assert call("upload.show", id=again)["retry_of"] == waiting
    assert call("upload.set", body={"priority": 9}, id=again)["priority"] == 9
    would = call("upload.bulk", body={"action": "cancel", "bucket": "elsewhere", "dry_run": True})
    assert would["matched"] == 1 and would["changed"] == 0
    named = call("upload.bulk", body={"action": "set_priority", "new_priority": 8, "ids": [again, 999]})
    assert [one["id"] for one in named["changes"]] == [again] and [one["id"] for one in named["refusals"]] == [999]
    call("upload.bulk", 400, {"action": "cancel"})
    call("upload.list", query={"state": "completed,cancelled", "text": "film", "limit": 10})
    call("upload.show", 404, id=999)
    call("upload.counts")
    assert call("overview.show")["attention"] == []
    assert [(one["name"], one["here"], one["state"]) for one in call("node.list")["items"]] == [("local", True, "alive")]
    assert call("alert.list")["receivers"] == [] and call("alert.test")["items"] == []
    site.server.configure(extra=f'[alerts]\nwebhook = "{receiver.url}"\n')
    assert call("settings.reload")["applied"] == ["[alerts]"]
    assert [one["answer"] for one in call("alert.test")["items"]] == ["HTTP 200"]
    assert call("alert.list")["receivers"][0]["error"] is None
    site.server.configure()
    call("settings.reload")
    assert call("settings.reload") == {"applied": [], "need_restart": []}
    backup = {"file": str(site.server.folder / "backup.db")}
    assert call("store.backup", body=backup)["manifest"]["accounts"] == 3
    call("store.backup", 409, backup)
    assert call("audit.list", query={"cdn": 158, "command": "upload.", "limit": 1})["items"][0]["door"] == "administration"
    assert call("audit.check")["whole"] and not call("audit.check", query={"kept": "00"})["whole"]
    call("overview.show", query={"cdn": 158})
    assert len(call("statistics.show", query={"resolution": "hour"})["items"]) == 192
    call("bucket.remove", 409, cdn=158, bucket="elsewhere")
    assert any(call("removal.uses", query={"kind": "bucket", "cdn": 158, "name": "elsewhere"}).values())
    assert not call("bucket.remove", query={"mode": "drain"}, cdn=158, bucket="elsewhere")["removed"]
    assert call("bucket.show", cdn=158, bucket="elsewhere")["removing"]
    assert [one["name"] for one in call("removal.list", query={"cdn": 158})["items"]] == ["elsewhere"]
    assert call("key.remove", api_key="OLD-KEY-0001")["removed"]
    panel = Validator(TcpClient(site.server.url))
    people_and_tokens(call, panel, site.server.secrets)
    assert call("account.remove", query={"mode": "drain"}, cdn=7)["removed"]
    documented = {operation["operationId"] for _, _, operation, _ in operations()}
    assert call.called | panel.called | {"event.stream"} == documented  # a stream does not end: test_events.py


def people_and_tokens(call: Validator, panel: Validator, secrets: list[str]):
    """`call` goes over the socket, `panel` over TCP, as nobody at first."""
    password = "correct horse battery"
    panel("session.show", 401)
    invited = call("person.add", 201, {"name": "anna", "role": "admin"})
    secrets += [password, invited["setup_token"], call("person.reset", body={}, name="anna")["setup_token"]]
    assert panel("setup.run", 404, {"token": secrets[-2], "password": password})["code"] == "not_found"
    assert panel("setup.run", body={"token": secrets[-1], "password": password})["name"] == "anna"
    panel("session.begin", body={"name": "anna", "password": password})
    panel("session.show")
    call("session.show", 409)
    panel("session.password", body={"password": password, "new_password": password + "!"})
    panel("person.list")
    panel("person.add", 201, {"name": "bert", "role": "customer", "cdn": 7})
    panel("person.set", body={"role": "viewer"}, name="bert")
    panel("person.show", name="bert")
    token = panel("token.add", 201, {"label": "ci", "expires": 4_000_000_000})
    secrets.append(token["token"])
    call("token.add", 201, {"label": "ci", "owner": "bert"})
    assert {one["owner"] for one in panel("token.list")["items"]} == {"anna", "bert"}
    panel("token.remove", id=token["id"])
    panel("person.remove", name="bert")
    panel("session.end")
    panel("session.show", 401)


@pytest.mark.parametrize("method,path,body,headers,status,code", [
    ("GET", "/nothing", None, {}, 404, "path_not_found"),
    ("DELETE", "/accounts", None, {}, 405, "method_not_allowed"),
    ("POST", "/accounts", b'{"cdn":7,"user":"kc"}', {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
    ("POST", "/accounts", b'{"cdn":7,', {"Content-Type": "application/json"}, 400, "bad_request"),
    ("POST", "/accounts", {"cdn": 7, "user": "kc", "wieght": 2}, {}, 400, "invalid_value"),
    ("POST", "/accounts", {"cdn": 7, "user": "kc"}, {"Idempotency-Key": "x"}, 400, "invalid_value"),
    ("POST", "/accounts?cdn=7", {"cdn": 7, "user": "kc"}, {}, 400, "invalid_value"),
    ("GET", "/accounts/7%2f8", None, {}, 400, "invalid_value"),
    ("GET", "/uploads?text=%c3%28", None, {}, 400, "bad_request"),
    ("GET", "/uploads?cursor=-5", None, {}, 400, "invalid_value"),
    ("POST", "/accounts", b"x" * 200_000, {"Content-Type": "application/json"}, 413, "too_large"),
])
def test_what_is_no_request_is_a_problem_and_changes_nothing(rest, method, path, body, headers, status, code):
    answer = rest.call(method, path, body, headers=headers)
    assert (answer.status, answer.data["code"]) == (status, code), answer
    assert answer.headers["Content-Type"] == "application/problem+json"
    jsonschema.Draft202012Validator({"components": DOCUMENT["components"], "$ref": "#/components/schemas/Problem"}).validate(answer.data)
    assert [one["cdn"] for one in rest.call("GET", "/accounts").data["items"]] == [158]


def test_a_folder_is_shown_as_it_is_page_by_page(site, rest):
    hostile = "<img src=x onerror=alert(1)>\u202e\n\"'.mp4"
    for name in ("sub/below.mp4", "Sub.2/below.mp4", "film.mp4", "note.txt", hostile):
        make_file(site.files / name, 10)
    (site.files / "link.mp4").symlink_to("film.mp4")
    (site.files / "out").symlink_to("/etc")
    seen, cursor = [], None
    while True:
        page = rest.call("GET", "/folders", query={"path": "sestore4/jb", "type": "all", "limit": 2}
                         | ({"cursor": cursor} if cursor else {})).data
        seen += [(one["kind"], one["name"], one["size"]) for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [("folder", "Sub.2", None), ("folder", "sub", None), ("file", hostile, 10), ("file", "film.mp4", 10),
                    ("file", "note.txt", 10)]
    assert [one["path"] for one in rest.call("GET", "/folders", query={"path": "sestore4/jb/sub"}).data["items"]] == [
        "sestore4/jb/sub/below.mp4"]
    for path, code in (("sestore4/jb/../jb", "invalid_value"), ("sestore4/jb/out", "source_not_found"),
                       ("sestore4/jb/film.mp4", "source_not_found"), ("sestore4/jb/none", "source_not_found")):
        assert rest.call("GET", "/folders", query={"path": path}).data["code"] == code, path


def test_a_folder_of_many_files_is_queued_in_pages(site, fake, rest):
    site.use(fake, "videos")
    for number in range(1003):
        make_file(site.files / f"many/{number % 7}/{number:04}.mp4", 1)
    body = {"cdn": 158, "path": "sestore4/jb/many", "bucket": "videos", "recursive": True, "destination_path": "in/"}
    accepted, ids, cursor = [], [], None
    while True:
        answer = rest.call("POST", "/uploads/batch", body | ({"cursor": cursor} if cursor else {})).data
        accepted.append(answer["accepted"])
        ids += [one["id"] for one in answer["items"]]
        cursor = answer["next"]
        if cursor is None:
            break
    assert accepted == [1000, 3] and len(set(ids)) == 1003
    assert site.wait_for(ids[-1], "completed")["destination_path"] == "in/6/1000.mp4"


def test_a_cursor_goes_through_all_uploads_once(ready_for_many, rest):
    seen, cursor = [], None
    while True:
        page = rest.call("GET", "/uploads", query={"limit": 7} | ({"cursor": cursor} if cursor else {})).data
        seen += [one["id"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == list(range(30, 0, -1))


@pytest.fixture
def ready_for_many(site, fake):
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    for number in range(30):
        site.queue("film.mp4", "videos", f"{number}.mp4")
    return site
