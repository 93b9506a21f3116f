"""Each invariant is broken by hand, and checker.py must notice. What is whole must pass."""

import contextlib
import hashlib
import io
import json
import pathlib

import checker
import pytest

SHA = hashlib.sha256(b"film").hexdigest()
NAMES = [f"I{number}" for number in range(1, 9)]


def change(what, op, upload, before, after, writer="n1", committed_ms=1000.0):
    return {"seq": 0, "writer": writer, "what": what, "op": op, "id": upload, "before": before, "after": after, "committed_ms": committed_ms}


def row(state="queued", fence=0, owner=None, over=None, sent=0, attempts=0):
    return {"state": state, "fence": fence, "owner": owner, "term": 1 if owner else None, "over": over, "bytes_sent": sent, "attempts": attempts}


QUEUED, LEASED = row(), row("uploading", 1, "n1", False, attempts=1)


def whole() -> dict:
    """The evidence of two uploads: 1 with a callback completed, 2 was cancelled before it ran. 1 was asked for twice."""
    def request(n, mark, node="n1"):
        return {"kind": "request", "n": n, "client": 0, "node": node, "bytes": f"sha of {mark}", "command": "aws.upload", "mark": mark,
                "source": "s/film.mp4", "destination": f"{mark}.mp4", "bucket": "videos", "callback": "http://c/" if mark == "a" else ""}

    def answer(n, data, status="success", message=""):
        return {"kind": "answer", "n": n, "http": 200, "status": status, "data": data, "code": None, "message": message}

    def upload(number, mark):
        return {"id": number, "path": "s/film.mp4", "destination": f"{mark}.mp4", "bucket": "videos", "metadata": json.dumps({"mark": mark}),
                "callback": "http://c/" if mark == "a" else "", "token": f"token-{mark}"}

    stored = {"bucket": "videos", "key": "a.mp4", "token": "token-a", "size": 4, "sha256": SHA}
    claimed = row("pending", 1, "n1", False)
    return {
        "journal": [request(1, "a"), request(2, "a", "n2"), {"kind": "lost", "n": 2, "why": "cut"}, answer(1, 1), request(3, "b"), answer(3, 2),
                    {"kind": "request", "n": 4, "client": 0, "node": "n2", "bytes": "status", "command": "aws.status", "id": 1},
                    answer(4, [{"id": 1, "state": "completed"}]),
                    {"kind": "request", "n": 5, "client": 0, "node": "n1", "bytes": "status", "command": "aws.status", "id": 1},
                    answer(5, [{"id": 1, "state": "completed"}])],
        "history": [change("open_uploads", "INSERT", 1, None, QUEUED), change("open_uploads", "INSERT", 2, None, QUEUED),
                    change("open_uploads", "UPDATE", 1, QUEUED, LEASED), change("open_uploads", "UPDATE", 1, LEASED, LEASED | {"bytes_sent": 4}),
                    change("ended_uploads", "INSERT", 1, None, {"state": "completed"}), change("open_uploads", "DELETE", 1, LEASED, None),
                    change("open_uploads", "DELETE", 2, QUEUED, None, "n2"), change("ended_uploads", "INSERT", 2, None, {"state": "cancelled"}, "n2"),
                    change("callbacks", "INSERT", 9, None, row("pending")), change("callbacks", "UPDATE", 9, row("pending"), claimed),
                    change("callbacks", "UPDATE", 9, claimed, row("delivered", 1, attempts=1))],
        "stored": [stored], "objects": [stored],
        "received": [{"at_ms": 1001.0, "webhook_id": "msg_1", "body": json.dumps({"data": {"id": 1, "state": "completed"}})}],
        "sources": {"s/film.mp4": {"size": 4, "sha256": SHA}},
        "uploads": [upload(1, "a"), upload(2, "b")], "open": [],
        "ended": [{"id": 1, "state": "completed", "size": 4, "fence": 1}, {"id": 2, "state": "cancelled", "size": 4, "fence": 0}],
        "callbacks": [{"upload_id": 1, "state": "delivered", "attempts": 1, "webhook_id": "msg_1"}],
        "counts": [{"state": "completed", "uploads": 1}, {"state": "cancelled", "uploads": 1}, {"state": "queued", "uploads": 0}],
        "multiparts": {"planted": ["foreign"], "open": [{"upload_id": "foreign", "key": "x.mp4", "foreign": True}]}, "integrity": ""}


def judge(folder: pathlib.Path, evidence: dict) -> tuple[int, dict[str, bool], str]:
    """The exit status, whether each invariant held, and the output."""
    for name, content in evidence.items():
        if name == "integrity":
            (folder / "integrity.txt").write_text(content)
        elif name in ("journal", "history", "stored", "received"):
            (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in content))
        else:
            (folder / f"{name}.json").write_text(json.dumps(content))
    return run(folder)


def run(folder: pathlib.Path) -> tuple[int, dict[str, bool], str]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        status = checker.main(str(folder))
    held = {line.split(" ")[0]: line.split(" ")[1] == "held:" for line in out.getvalue().splitlines() if line.startswith("I")}
    return status, held, out.getvalue()


def test_what_is_whole_passes(tmp_path):
    status, held, text = judge(tmp_path, whole())
    assert (status, held) == (0, dict.fromkeys(NAMES, True)), text


BROKEN = {}


def breaks(*invariants):
    """The change that the decorated function makes must be found as a break of these, and of no other."""
    def take(function):
        BROKEN[function.__name__] = (invariants, function)
        return function
    return take


@breaks("I1")
def another_upload_was_acknowledged(e):
    e["journal"][3]["data"] = 2


@breaks("I1", "I2")
def an_acknowledged_upload_is_lost(e):
    e["uploads"].pop()
    e["ended"].pop()
    e["history"] = [one for one in e["history"] if one["id"] != 2]
    e["counts"][1]["uploads"] = 0
    e["journal"].append({"kind": "request", "n": 6, "node": "n1", "bytes": "status", "command": "aws.status", "id": 2})
    e["journal"].append({"kind": "answer", "n": 6, "status": "success", "data": [], "code": None, "message": ""})


@breaks("I2", "I8")
def it_never_ends(e):
    e["ended"].pop()
    e["open"] = [{"id": 2, "state": "paused", "fence": 0}]
    e["history"] = [one for one in e["history"] if one["id"] != 2 or one["op"] == "INSERT" and one["what"] == "open_uploads"]


@breaks("I2")
def it_ends_twice(e):
    e["history"].append(change("ended_uploads", "INSERT", 2, None, {"state": "completed"}))


@breaks("I2")
def an_end_is_changed(e):
    e["history"].append(change("ended_uploads", "UPDATE", 2, {"state": "failed"}, {"state": "cancelled"}))


@breaks("I2")
def it_goes_on_after_its_end(e):
    e["history"].append(change("open_uploads", "UPDATE", 2, QUEUED, row("paused")))


@breaks("I2")
def a_move_is_not_legal(e):
    e["history"].insert(2, change("open_uploads", "UPDATE", 1, LEASED, row("paused", 1)))


@breaks("I2")
def a_client_sees_an_end_undone(e):
    e["journal"][9]["data"][0]["state"] = "uploading"


@breaks("I2")
def a_node_does_not_know_what_was_acknowledged(e):
    e["journal"][9]["data"] = []


@breaks("I3")
def the_object_has_other_bytes(e):
    e["objects"][0] = e["objects"][0] | {"sha256": "0" * 64}


@breaks("I3")
def the_object_is_gone(e):
    e["objects"].clear()


@breaks("I3")
def the_object_is_of_another_upload(e):
    e["objects"][0] = e["objects"][0] | {"token": "token-b"}


@breaks("I3")
def the_store_never_had_it(e):
    e["stored"].clear()


@breaks("I3")
def the_size_is_wrong(e):
    e["ended"][0]["size"] = 3


@breaks("I4", "I2")
def nobody_asked_for_it(e):
    e["uploads"].append(e["uploads"][1] | {"id": 3, "metadata": json.dumps({"mark": "c"})})
    e["open"].append({"id": 3, "state": "queued", "fence": 0})
    e["counts"][2]["uploads"] = 1


@breaks("I4", "I2")
def a_repeat_makes_a_second_upload(e):
    e["uploads"].append(e["uploads"][1] | {"id": 3})
    e["open"].append({"id": 3, "state": "queued", "fence": 0})
    e["counts"][2]["uploads"] = 1


@breaks("I4", "I1")
def a_repeat_gets_another_id(e):
    e["journal"][2] = e["journal"][3] | {"n": 2, "data": 2}


@breaks("I4")
def it_was_refused_and_is_there(e):
    e["journal"][5] = e["journal"][5] | {"status": "failure", "data": 0, "message": "the database cannot be reached"}


@breaks("I4")
def it_is_not_what_was_asked_for(e):
    e["journal"][4]["destination"] = "other.mp4"


@breaks("I5")
def a_multipart_upload_is_left(e):
    e["multiparts"]["open"].append({"upload_id": "ours", "key": "a.mp4", "foreign": False})


@breaks("I5")
def a_multipart_upload_of_others_is_aborted(e):
    e["multiparts"]["open"].clear()


@breaks("I6")
def a_callback_never_comes(e):
    e["received"].clear()


@breaks("I6")
def a_callback_comes_before_the_commit(e):
    e["received"][0]["at_ms"] = 999.5


@breaks("I6")
def a_callback_comes_under_two_ids(e):
    e["received"].append(e["received"][0] | {"webhook_id": "msg_2"})


@breaks("I6")
def a_callback_says_something_else(e):
    e["received"][0]["body"] = json.dumps({"data": {"id": 1, "state": "failed"}})


@breaks("I6")
def a_callback_of_what_wants_none(e):
    e["received"].append({"at_ms": 1001.0, "webhook_id": "msg_2", "body": json.dumps({"data": {"id": 2, "state": "cancelled"}})})


@breaks("I6")
def an_end_has_no_callback(e):
    e["callbacks"].clear()


@breaks("I7")
def the_fence_falls(e):
    e["history"].insert(4, change("open_uploads", "UPDATE", 1, LEASED, LEASED | {"fence": 0}))


@breaks("I7")
def a_claim_does_not_raise_the_fence(e):
    e["history"][2]["after"] = LEASED | {"fence": 0}


@breaks("I7")
def another_node_ends_it(e):
    e["history"][5]["writer"] = "n2"


@breaks("I7")
def another_node_writes_progress(e):
    e["history"][3]["writer"] = "n2"


@breaks("I7")
def another_node_gives_it_back(e):
    e["history"].insert(4, change("open_uploads", "UPDATE", 1, LEASED, row("queued", 1, attempts=1), "n2"))


@breaks("I7")
def a_lease_that_lasts_is_taken(e):
    e["history"].insert(4, change("callbacks", "UPDATE", 9, row("pending", 1, "n1", False), row("pending", 2, "n2", False), "n2"))


@breaks("I7")
def a_delivery_is_recorded_without_a_lease(e):
    e["history"][10] = change("callbacks", "UPDATE", 9, row("pending", 1), row("delivered", 1, attempts=1), "n2")


@breaks("I8")
def an_index_is_broken(e):
    e["integrity"] = 'heap table "vodlift.uploads": block 0 is not right\n'


@breaks("I8")
def a_count_is_wrong(e):
    e["counts"][0]["uploads"] = 2


@pytest.mark.parametrize("how", BROKEN)
def test_what_is_broken_is_found(tmp_path, how):
    invariants, damage = BROKEN[how]
    evidence = whole()
    damage(evidence)
    status, held, text = judge(tmp_path, evidence)
    assert status == 1 and {name for name, whether in held.items() if not whether} == set(invariants) and set(held) == set(NAMES), text


def test_each_invariant_is_broken_by_some_test():
    assert {one for invariants, _ in BROKEN.values() for one in invariants} == set(NAMES)


def test_a_lease_that_has_run_out_may_be_taken(tmp_path):
    evidence = whole()
    late = LEASED | {"over": True}
    evidence["history"].insert(4, change("open_uploads", "UPDATE", 1, late, row("queued", 1, attempts=1), "n2"))
    evidence["history"].insert(5, change("open_uploads", "UPDATE", 1, row("queued", 1, attempts=1), LEASED | {"fence": 2}))
    status, _, text = judge(tmp_path, evidence)
    assert status == 0, text


def test_missing_evidence_is_no_success(tmp_path):
    for name in whole():
        folder = tmp_path / name
        folder.mkdir()
        evidence = whole()
        judge(folder, evidence)
        (folder / ("integrity.txt" if name == "integrity" else f"{name}.jsonl" if (folder / f"{name}.jsonl").exists() else f"{name}.json")).unlink()
        status, held, text = run(folder)
        assert status == 2 and not held and "not complete" in text, name
