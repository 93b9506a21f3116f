#!/usr/bin/python3
"""Decides whether the invariants I1 to I8 of docs/campaign.md held, from nothing but the evidence of a campaign.

`checker.py FOLDER` prints a line for each invariant and ends with 0 if all held, with 1 if one is broken, and with 2 if evidence is
missing. It shares no code with vodlift or with its other tests, so that no mistake of theirs can hide here.
"""

import collections
import dataclasses
import json
import pathlib
import sys

ENDS = ("completed", "failed", "cancelled")
MOVES = {("queued", "uploading"), ("queued", "paused"), ("paused", "queued"), ("uploading", "queued")}
UNSURE = "did not say whether"  # a refusal that leaves open whether the upload was accepted
RUNNER = "psql"  # the runner's own changes of the database, which it makes to shorten waits
SHOWN = 8  # examples of what is broken


@dataclasses.dataclass
class Verdict:
    name: str
    about: str
    checked: int  # how many things were looked at
    problems: list[str]

    def line(self) -> str:
        if not self.problems:
            return f"{self.name} held: {self.about} ({self.checked} checked)"
        more = f"\n    … and {len(self.problems) - SHOWN} more" if len(self.problems) > SHOWN else ""
        return f"{self.name} BROKEN: {self.about} ({self.checked} checked)" + "".join(f"\n    {one}" for one in self.problems[:SHOWN]) + more


class Evidence:
    """The files of one campaign. Raises OSError or ValueError where one is missing or torn."""

    def __init__(self, folder: pathlib.Path):
        def document(name):
            return json.loads((folder / f"{name}.json").read_text())

        def lines(name):
            return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]

        self.journal = lines("journal")  # what clients sent and got, in order
        self.history = lines("history")  # every change of a row, as the database itself wrote it down
        self.stored = lines("stored")  # every object that came into its place
        self.received = lines("received")  # every callback that came
        self.sources = document("sources")
        self.uploads = {row["id"]: row for row in document("uploads")}
        self.open = {row["id"]: row for row in document("open")}
        self.ended_rows = document("ended")
        self.callbacks = document("callbacks")
        self.counts = document("counts")
        self.objects = document("objects")
        self.multiparts = document("multiparts")
        self.integrity = (folder / "integrity.txt").read_text()
        self.ended = {row["id"]: row for row in self.ended_rows}
        self.requests = {line["n"]: (at, line) for at, line in enumerate(self.journal) if line["kind"] == "request"}
        # (place of the request, request, place of the answer, answer); no answer: None
        answered = {line["n"]: (at, line) for at, line in enumerate(self.journal) if line["kind"] == "answer"}
        self.calls = [(at, line, *answered.get(n, (None, None))) for n, (at, line) in self.requests.items()]

    def calls_of(self, command: str):
        return [call for call in self.calls if call[1]["command"] == command]


def given_id(answer: dict | None) -> int | None:
    """The id that an answer to aws.upload acknowledges."""
    if answer and answer["status"] == "success" and isinstance(answer["data"], int):
        return answer["data"]
    return None


def mark_of(row: dict) -> str:
    return json.loads(row["metadata"]).get("mark", "")


def acknowledged_ids_exist(e: Evidence) -> Verdict:
    problems, checked = [], 0
    for _, request, _, answer in e.calls_of("aws.upload"):
        upload = given_id(answer)
        if upload is None:
            continue
        checked += 1
        row = e.uploads.get(upload)
        if row is None:
            problems.append(f"upload {upload} was acknowledged by {request['node']} (request {request['n']}) and is not in the database")
        elif mark_of(row) != request["mark"]:
            problems.append(f"upload {upload} was acknowledged for {request['mark']}, and is {mark_of(row)}")
    return Verdict("I1", "every acknowledged id is there", checked, problems)


def each_ends_once(e: Evidence) -> Verdict:
    problems = []
    rows = collections.Counter(row["id"] for row in e.ended_rows)
    for upload in e.uploads:
        if upload in e.open:
            problems.append(f"upload {upload} has not ended: it is {e.open[upload]['state']}")
        if rows[upload] != 1 and not (rows[upload] == 0 and upload in e.open):
            problems.append(f"upload {upload} has {rows[upload]} ends")
    problems += [f"upload {upload} has ended, and nobody asked for it" for upload in rows if upload not in e.uploads]
    begun, over = set(), {}
    for change in e.history:
        upload, old, new = change["id"], change["before"], change["after"]
        if change["what"] == "ended_uploads":
            if change["op"] != "INSERT":
                problems.append(f"upload {upload} had ended, and its end was changed ({change['op']} by {change['writer']})")
            elif upload in over:
                problems.append(f"upload {upload} ended as {over[upload]}, and again as {new['state']}")
            else:
                over[upload] = new["state"]
        elif change["what"] == "open_uploads":
            if change["op"] == "INSERT":
                if upload in begun:
                    problems.append(f"upload {upload} was put into the queue twice")
                begun.add(upload)
            elif change["op"] == "UPDATE" and upload in over:
                problems.append(f"upload {upload} had ended, and was changed by {change['writer']}")
            elif change["op"] == "UPDATE" and old["state"] != new["state"] and (old["state"], new["state"]) not in MOVES:
                problems.append(f"upload {upload} went from {old['state']} to {new['state']}")
    problems += [f"upload {upload} is {row['state']}, and the history says {over.get(upload)}" for upload, row in e.ended.items()
                 if over.get(upload) != row["state"]]
    problems += what_clients_saw(e)
    return Verdict("I2", "each upload ends exactly once, and stays so", len(e.uploads), problems)


def what_clients_saw(e: Evidence) -> list[str]:
    """An end that one client saw is what everybody sees who asks afterwards. Who has an id is told of it."""
    problems, known = [], {}
    for _, _, answered_at, answer in e.calls_of("aws.upload"):
        if (upload := given_id(answer)) is not None:
            known[upload] = min(answered_at, known.get(upload, answered_at))
    seen: dict[int, tuple[int, str]] = {}
    calls = [call for call in e.calls_of("aws.status") if call[3] is not None and call[3]["status"] == "success"]
    for _, request, answered_at, answer in sorted(calls, key=lambda call: call[2]):
        found = [one for one in answer["data"] if one["id"] == request["id"]]
        if found and found[0]["state"] in ENDS:
            seen.setdefault(request["id"], (answered_at, found[0]["state"]))
    for asked_at, request, _, answer in calls:
        upload = request["id"]
        states = [one["state"] for one in answer["data"] if one["id"] == upload]
        if not states and known.get(upload, asked_at) < asked_at:
            problems.append(f"upload {upload} was acknowledged, and {request['node']} did not know it (request {request['n']})")
        first_at, first = seen.get(upload, (asked_at, ""))
        if states and first_at < asked_at and states[0] != first:
            problems.append(f"upload {upload} was {first}, and later {states[0]} (request {request['n']})")
        if states and states[0] in ENDS and upload in e.ended and e.ended[upload]["state"] != states[0]:
            problems.append(f"upload {upload} was shown as {states[0]}, and is {e.ended[upload]['state']}")
    return problems


def completed_is_stored(e: Evidence) -> Verdict:
    problems, checked = [], 0
    came = collections.defaultdict(set)
    for one in e.stored:
        came[one["token"]].add((one["bucket"], one["key"], one["size"], one["sha256"]))
    last: dict[tuple[str, str], int] = {}
    for upload, end in sorted(e.ended.items()):
        row = e.uploads.get(upload)
        if end["state"] != "completed" or row is None:
            continue
        checked += 1
        source = e.sources[row["path"]]
        if (row["bucket"], row["destination"], source["size"], source["sha256"]) not in came[row["token"]]:
            problems.append(f"upload {upload} is completed, and the store never had its file at {row['destination']}")
        if end["size"] != source["size"]:
            problems.append(f"upload {upload} is completed with {end['size']} bytes, its file has {source['size']}")
        last[row["bucket"], row["destination"]] = upload
    there = {(one["bucket"], one["key"]): one for one in e.objects}
    for place, upload in last.items():
        found, source = there.get(place), e.sources[e.uploads[upload]["path"]]
        if found is None:
            problems.append(f"upload {upload} is completed, and there is no object {place[1]}")
        elif (found["token"], found["size"], found["sha256"]) != (e.uploads[upload]["token"], source["size"], source["sha256"]):
            problems.append(f"upload {upload} is the last one to {place[1]} that completed, and the object there is not its file")
    return Verdict("I3", "what is completed is at the store, byte for byte", checked, problems)


def nothing_unasked(e: Evidence) -> Verdict:
    problems = []
    by_mark = collections.defaultdict(list)
    for upload, row in e.uploads.items():
        by_mark[mark_of(row)].append(upload)
    asked = collections.defaultdict(list)
    for call in e.calls_of("aws.upload"):
        asked[call[1]["mark"]].append(call)
    for mark, uploads in by_mark.items():
        if mark not in asked:
            problems.append(f"upload {uploads[0]} ({mark or 'without a mark'}) was never asked for")
            continue
        request = asked[mark][0][1]
        row = e.uploads[uploads[0]]
        if len(uploads) > 1:
            problems.append(f"one signed request ({mark}) made the uploads {sorted(uploads)}")
        if (row["path"], row["bucket"], row["destination"], row["callback"]) != tuple(
                request[name] for name in ("source", "bucket", "destination", "callback")):
            problems.append(f"upload {uploads[0]} is not what {mark} asked for")
        if all(answer is not None and given_id(answer) is None and UNSURE not in answer["message"] for _, _, _, answer in asked[mark]):
            problems.append(f"upload {uploads[0]} is there, and {mark} was refused each time")
    for mark, calls in asked.items():
        ids = {given_id(answer) for _, _, _, answer in calls} - {None}
        if len(ids) > 1:
            problems.append(f"the same signed bytes ({mark}) were answered with the ids {sorted(ids)}")
        if len({request["bytes"] for _, request, _, _ in calls}) != 1:
            problems.append(f"the journal is wrong: {mark} stands for several requests")
    return Verdict("I4", "nothing is there that nobody asked for, and nothing twice", len(asked), problems)


def no_litter(e: Evidence) -> Verdict:
    problems = []
    for one in e.multiparts["open"]:
        users = [upload for upload in e.open if e.uploads.get(upload, {}).get("destination") == one["key"]]
        if not one["foreign"] and not users:
            problems.append(f"a multipart upload to {one['key']} is open, and no upload uses it")
    there = {one["upload_id"] for one in e.multiparts["open"]}
    problems += [f"a multipart upload of somebody else was aborted: {one}" for one in e.multiparts["planted"] if one not in there]
    return Verdict("I5", "no multipart upload of ours is left open, and none of others is gone", len(e.multiparts["planted"]) + len(there), problems)


def callbacks_follow_ends(e: Evidence) -> Verdict:
    problems, came = [], collections.defaultdict(list)
    for one in e.received:
        came[json.loads(one["body"])["data"]["id"]].append(one)
    committed = {change["id"]: change["committed_ms"] for change in e.history if change["what"] == "ended_uploads" and change["op"] == "INSERT"}
    rows = {row["upload_id"]: row for row in e.callbacks}
    wanted = [upload for upload, row in e.uploads.items() if row["callback"] and upload in e.ended]
    for upload in wanted:
        if upload not in came:
            problems.append(f"upload {upload} ended, and its callback never came")
        if upload not in rows:
            problems.append(f"upload {upload} ended without a callback in the database")
    for upload, calls in sorted(came.items()):
        end = e.ended.get(upload)
        if end is None or not e.uploads.get(upload, {}).get("callback"):
            problems.append(f"a callback of upload {upload} came, which has {'not ended' if end is None else 'none'}")
            continue
        if len({one["webhook_id"] for one in calls}) > 1:
            problems.append(f"callbacks of upload {upload} came with several ids: {sorted({one['webhook_id'] for one in calls})}")
        for one in calls:
            if upload in rows and one["webhook_id"] != rows[upload]["webhook_id"]:
                problems.append(f"a callback of upload {upload} came with the id {one['webhook_id']}, which the database does not have")
            if json.loads(one["body"])["data"]["state"] != end["state"]:
                problems.append(f"a callback says that upload {upload} is {json.loads(one['body'])['data']['state']}; it is {end['state']}")
        first = min(one["at_ms"] for one in calls)
        if committed.get(upload) is None:
            problems.append(f"nobody knows when the end of upload {upload} was committed")
        elif first < committed[upload]:
            problems.append(f"the callback of upload {upload} came {committed[upload] - first:.1f} ms before its end was committed")
    ids = collections.Counter(row["webhook_id"] for row in e.callbacks)
    problems += [f"{count} callbacks have the id {one}" for one, count in ids.items() if count > 1]
    return Verdict("I6", "each end is told at least once, under one id, and never before it is committed", len(wanted), problems)


def one_owner(e: Evidence) -> Verdict:
    problems, checked = [], 0
    for change in e.history:
        old, new, writer, upload = change["before"], change["after"], change["writer"], change["id"]
        if change["what"] == "ended_uploads" or change["op"] == "INSERT" or writer == RUNNER:
            continue
        checked += 1
        kind = "upload" if change["what"] == "open_uploads" else "callback"
        is_end = change["op"] == "DELETE" or (kind == "callback" and new["attempts"] != old["attempts"])
        if change["op"] == "UPDATE":
            leased = new["owner"] is not None and (new["owner"], new["term"], new["fence"]) != (old["owner"], old["term"], old["fence"])
            if new["fence"] < old["fence"]:
                problems.append(f"{kind} {upload}: the fence fell from {old['fence']} to {new['fence']}")
            if leased and new["fence"] != old["fence"] + 1:
                problems.append(f"{kind} {upload}: {writer} took it, and the fence went from {old['fence']} to {new['fence']}")
            if leased and new["owner"] != writer:
                problems.append(f"{kind} {upload}: {writer} took it for {new['owner']}")
            if leased and old["owner"] is not None and not old["over"]:
                problems.append(f"{kind} {upload}: {writer} took it from {old['owner']}, whose lease lasted")
            if leased:
                continue
            given_back = old["owner"] is not None and new["owner"] is None
            progress = kind == "upload" and new["bytes_sent"] != old["bytes_sent"]
            if progress and writer != old["owner"]:
                problems.append(f"upload {upload}: {writer} wrote progress, and {old['owner']} had it")
            if given_back and not is_end and writer != old["owner"] and not old["over"]:
                problems.append(f"{kind} {upload}: {writer} gave it back, and {old['owner']} had it (fence {old['fence']})")
        if is_end and old["owner"] is not None and writer != old["owner"] and not old["over"]:
            problems.append(f"{kind} {upload}: {writer} ended it, and {old['owner']} had it (fence {old['fence']})")
        if is_end and kind == "callback" and old["owner"] is None and writer != RUNNER and new["state"] == "delivered":
            problems.append(f"callback {upload}: {writer} recorded a delivery without a lease")
    return Verdict("I7", "only who holds the lease changes an upload, and fences only grow", checked, problems)


def database_is_whole(e: Evidence) -> Verdict:
    problems = [f"amcheck: {line}" for line in e.integrity.splitlines() if line.strip()]
    actual = collections.Counter(row["state"] for row in [*e.open.values(), *e.ended_rows])
    counted = collections.Counter({row["state"]: row["uploads"] for row in e.counts})
    problems += [f"{counted[state]} uploads are counted as {state}, and there are {actual[state]}" for state in sorted(actual | counted)
                 if actual[state] != counted[state]]
    known = set(e.uploads)
    problems += [f"callback of upload {row['upload_id']}, which is not there" for row in e.callbacks if row["upload_id"] not in known]
    return Verdict("I8", "the database is whole, and its counts are right", len(e.uploads), problems)


INVARIANTS = (acknowledged_ids_exist, each_ends_once, completed_is_stored, nothing_unasked, no_litter, callbacks_follow_ends, one_owner,
              database_is_whole)


def check(folder: pathlib.Path) -> list[Verdict]:
    evidence = Evidence(folder)
    return [invariant(evidence) for invariant in INVARIANTS]


def main(folder: str) -> int:
    try:
        verdicts = check(pathlib.Path(folder))
    except (OSError, ValueError, KeyError, TypeError) as missing:
        print(f"the evidence is not complete: {type(missing).__name__}: {missing}", file=sys.stderr)
        return 2
    for verdict in verdicts:
        print(verdict.line())
    return 1 if any(verdict.problems for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
