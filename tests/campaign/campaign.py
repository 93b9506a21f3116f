#!/usr/bin/python3
"""Runs vodlift's nodes under clients and faults, heals all, waits until everything has ended, and lets checker.py judge.

`campaign.py --seed 7 --seconds 60` runs one round; with more time than a round has, further rounds follow with the next seeds. The
seed gives files, calls, faults and their order; docs/campaign.md says more. $VODLIFT_BINARY names the program.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import hashlib
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
for folder in ("e2e", "fakes"):
    sys.path.insert(0, str(HERE.parent / folder))

from api_client import ApiClient, sign
from support import wait_until
from world import BUCKET, Node, Notes, World

PATIENCE_S = 4  # of a client, for one answer
SEARCHED = 200  # uploads that a client remembers


class Clients:
    """Each sends calls to nodes of its choice, one after the other, and writes down what it sends before, and what it gets after. A
    call that got no clear answer is sent again, the same bytes, until there is one. Objects of their own for all uploads, unless `shared`."""

    def __init__(self, world: World, seed: int, count: int, pause_s: float, shared: bool):
        self._world, self._seed, self._pause_s, self._shared = world, seed, pause_s, shared
        self._journal = Notes(world.evidence / "journal.jsonl")
        self._number, self._lock = 0, threading.Lock()
        self.seen = collections.Counter()
        self._stop = threading.Event()
        self._at_once = concurrent.futures.ThreadPoolExecutor(count * 3)
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(count)]
        self.failures: list[BaseException] = []

    def start(self) -> None:
        for one in self._threads:
            one.start()

    def stop(self) -> None:
        """No new calls; those that have no clear answer are sent until they have one, which needs nodes that answer."""
        self._stop.set()
        for one in self._threads:
            one.join()
        self._at_once.shutdown()
        if self.failures:
            raise self.failures[0]

    def note(self, kind: str, **more) -> None:
        self._journal.add(kind=kind, at=time.time(), **more)

    def _run(self, client: int) -> None:
        try:
            dice = random.Random(f"{self._seed}/{client}")
            ids: collections.deque[int] = collections.deque(maxlen=SEARCHED)
            texts: collections.deque[tuple[str, dict]] = collections.deque(maxlen=SEARCHED)
            for number in range(10_000_000):
                if self._stop.wait(self._pause_s * dice.random() * 2):
                    return
                self._step(dice, client, number, ids, texts)
        except BaseException as failure:
            self.failures.append(failure)

    def _step(self, dice: random.Random, client: int, number: int, ids, texts) -> None:
        what = dice.random()
        api = ApiClient("", self._world.key.api_key, self._world.key.secret)
        if what < 0.70 or not ids:
            mark = f"{client}-{number}"
            source = dice.choices(sorted(self._world.sources), [2 if one["size"] > 1_000_000 else 30 for _, one in sorted(self._world.sources.items())])[0]
            destination = f"shared/{dice.randrange(5)}.mp4" if self._shared and dice.random() < 0.2 else f"{client}/{number}.mp4"
            callback = self._world.receiver.url if dice.random() < 0.7 else ""
            text = sign(api.request("aws.upload", path=source, destination_path=destination, metadata={"mark": mark}, acl="private",
                                    bucket=BUCKET, callback=callback), api.secret)
            about = {"command": "aws.upload", "mark": mark, "source": source, "destination": destination, "bucket": BUCKET, "callback": callback}
            texts.append((text, about))
            given = self._send_until_clear(dice, client, text, about, everywhere=dice.random() < 0.3)
            if given is not None:
                ids.append(given)
        elif what < 0.80:
            text, about = dice.choice(texts)
            self._send(client, dice.choice(self._world.nodes), text, about)
        elif what < 0.85:
            upload = ids[-1]
            text = sign(api.request("aws.cancel", id=upload), api.secret)
            self._send(client, dice.choice(self._world.nodes), text, {"command": "aws.cancel", "id": upload})
        else:
            upload = dice.choice(ids)
            text = sign(api.request("aws.status", id=upload), api.secret)
            self._send(client, dice.choice(self._world.nodes), text, {"command": "aws.status", "id": upload})

    def _send_until_clear(self, dice: random.Random, client: int, text: str, about: dict, everywhere: bool) -> int | None:
        if everywhere:  # the same bytes at all nodes at once
            sent = [self._at_once.submit(self._send, client, node, text, about) for node in self._world.nodes]
            answers = [one.result() for one in sent]
        else:
            answers = [self._send(client, dice.choice(self._world.nodes), text, about)]
        # The nodes take these bytes for five minutes.
        deadline = time.monotonic() + 200
        while not any(one is not None and one["status"] == "success" for one in answers) and time.monotonic() < deadline:
            if answers[-1] is not None and answers[-1]["code"] not in (None, "0004"):
                raise AssertionError(f"a good call was refused: {answers[-1]} to {text}")
            time.sleep(0.1 + dice.random() * 0.3)
            answers.append(self._send(client, dice.choice(self._world.nodes), text, about))
        return next((one["data"] for one in answers if one is not None and one["status"] == "success"), None)

    def _send(self, client: int, node: Node, text: str, about: dict) -> dict | None:
        with self._lock:
            self._number += 1
            number = self._number
        self.note("request", n=number, client=client, node=node.name, bytes=hashlib.sha256(text.encode()).hexdigest(), **about)
        self.seen["requests"] += 1
        try:
            answer = ApiClient(node.server.url, "", "").post(text, timeout=PATIENCE_S)
        except Exception as lost:  # whatever went wrong, there is no answer
            self.seen["without an answer"] += 1
            self.note("lost", n=number, why=f"{type(lost).__name__}: {lost}")
            return None
        body = answer.body
        found = {"status": body["status"], "data": body["data"], "code": body.get("code"), "message": body["message"]}
        self.seen["acknowledged" if about["command"] == "aws.upload" and answer.ok else "answered" if answer.ok else "refused"] += 1
        self.note("answer", n=number, http=answer.http_status, **found)
        return found


@dataclasses.dataclass
class Plan:
    """What a round does. `weights`: how often which fault comes, by name of a method of Faults; or `script`: these, one after the other, whatever
    time they take."""

    seconds: float
    weights: dict[str, int]
    script: tuple[str, ...] = ()
    roles: tuple[str, ...] = ("", "", "")
    at_once: int = 2  # faults that last at the same time
    every_s: float = 1.0  # between the beginnings of two faults, on average
    longest_s: float = 6.0
    shortest_s: float = 0.0
    looking_s: float = 0.0  # that the store takes to tell whether an object is there; a quarter of it to store one
    clients: int = 6
    pause_s: float = 0.05
    shared: bool = False  # some objects get several uploads. A node that dies or stops may leave a request that the store carries out late.
    room_mib: int = 0
    clock: bool = False
    machines: bool = False  # three machines have the database
    waits: bool = False  # leases run out by themselves; otherwise they are ended in the database when all is healed
    grace_s: int = 30  # before litter is looked for; above what a store or a network may hold a request back
    bound_s: float = 120.0  # in which everything must have ended after all is healed


class Faults:
    """Each method begins a fault and answers how it is undone, or None where it cannot begin now."""

    def __init__(self, world: World, clients: Clients, dice: random.Random, plan: Plan):
        self._world, self._clients, self._dice, self._plan = world, clients, dice, plan
        self._active: list[tuple[float, str, object]] = []
        self.counts = collections.Counter()
        slow = [{"operation": one, "fault": {"delay_s": takes}} for one, takes in (("HeadObject", plan.looking_s), ("PutObject", plan.looking_s / 4)) if takes]
        self._usual = {"about": "as always", "rules": slow}
        world.s3.play(self._usual)

    def play(self) -> None:
        for name in self._plan.script:
            time.sleep(self._dice.random() * 2 * self._plan.every_s)
            lasts = self._dice.uniform(self._plan.shortest_s, self._plan.longest_s)
            undo = getattr(self, name)()
            self.counts[name] += undo is not None
            self._clients.note("fault", what=name, lasts_s=lasts)
            time.sleep(lasts)
            if undo:
                undo()
        until = time.monotonic() + self._plan.seconds
        names, weights = list(self._plan.weights), list(self._plan.weights.values())
        while time.monotonic() < until and not self._clients.failures:
            time.sleep(self._dice.random() * 2 * self._plan.every_s)
            self._undo(time.monotonic())
            name = self._dice.choices(names, weights)[0]
            lasts = self._dice.uniform(self._plan.shortest_s, self._plan.longest_s)
            if len(self._active) >= self._plan.at_once or name in (one for _, one, _ in self._active):
                continue
            undo = getattr(self, name)()
            if undo is None:
                continue
            self.counts[name] += 1
            self._clients.note("fault", what=name, lasts_s=lasts)
            self._active.append((time.monotonic() + (80 + lasts * 2 if name == "pause_past_lease" else lasts), name, undo))

    def heal(self) -> None:
        self._undo(float("inf"))
        self._world.s3_relay.heal()
        for node in self._world.nodes:
            if node.database:
                node.database.heal()
            node.resume()
        if self._world.postgres and not self._world.postgres.runs:
            self._world.postgres.start()
        wait_until(lambda: all(node.start() for node in self._world.nodes), 60, f"all nodes run\n{self._world.logs()[-4000:]}")
        self._clients.note("healed")

    def _undo(self, now: float) -> None:
        for one in [one for one in self._active if one[0] <= now]:
            self._active.remove(one)
            one[2]()

    def _node(self) -> Node:
        return self._dice.choice(self._world.nodes)

    def kill_node(self):
        node = self._node()
        if not node.kill9():
            return None
        return node.start

    def kill_node_shortly(self):
        """Killed and started again at once: it takes back what it had."""
        node = self._node()
        return (lambda: None) if node.kill9() and (node.start() or True) else None

    def pause_node(self):
        """Stopped, while others take over what it has; it goes on without knowing."""
        node = self._node()
        if node.stopped or not node.pause():
            return None
        try:
            self._world.end_leases(node)
        except (AssertionError, RuntimeError):
            pass  # the database is away
        return node.resume

    def pause_past_lease(self):
        node = self._node()
        return node.resume if not node.stopped and node.pause() else None

    def end_leases(self):
        try:
            self._world.end_leases(self._node())
        except (AssertionError, RuntimeError):
            return None
        return lambda: None

    def cut_database(self):
        node = self._node()
        node.database.cut()
        return node.database.heal

    def hold_database(self):
        node = self._node()
        node.database.hold()
        return node.database.heal

    def cut_store(self):
        self._world.s3_relay.cut(self._node().name)
        return self._world.s3_relay.heal

    def hold_store(self):
        self._world.s3_relay.hold(self._node().name)
        return self._world.s3_relay.heal

    def lose_store_answers(self):
        lost = [{"operation": one, "nth": list(range(1, 4000, 7)), "fault": {"drop": "before_response"}}
                for one in ("PutObject", "CompleteMultipartUpload", "UploadPart", "CreateMultipartUpload")]
        self._world.s3.play({"about": "answers are lost", "rules": lost})
        return lambda: self._world.s3.play(self._usual)

    def kill_database(self):
        if not self._world.postgres.runs:
            return None
        self._world.postgres.kill9()
        return self._world.postgres.start

    def kill_database_at_rest(self):
        """While nobody but clients makes it write."""
        worker = self._world.nodes[-1]
        if not self._world.postgres.runs or not worker.pause():
            return None
        time.sleep(0.3 + self._dice.random())
        self._world.postgres.kill9()

        def undo() -> None:
            self._world.postgres.start()
            worker.resume()

        return undo

    def restart_database(self):
        if not self._world.postgres.runs:
            return None
        self._world.postgres.stop(self._dice.choice(("fast", "immediate")))
        return self._world.postgres.start

    def kill_primary(self):
        """All that runs on the machine that has the primary; a standby takes its place."""
        return self._lose_primary("kill", "restart")

    def stop_primary(self):
        return self._lose_primary("stop", "cont")

    def cut_primary(self):
        return self._lose_primary("cut", "heal")

    def _lose_primary(self, lose: str, give_back: str):
        cluster = self._world.cluster
        name = cluster.primary()
        getattr(cluster, lose)(name)

        def undo() -> None:
            wait_until(lambda: cluster.primary() != name, 60, "another machine has become the primary")
            getattr(cluster, give_back)(name)
            cluster.wait_healthy(120)

        return undo

    def fill_disk(self):
        if not self._world.postgres.runs:
            return None
        ballast = self._world.postgres.folder / "ballast"
        subprocess.run(["dd", "if=/dev/zero", f"of={ballast}", "bs=64k"], capture_output=True, timeout=60)

        def undo() -> None:
            ballast.unlink()
            time.sleep(0.2)
            if not self._world.postgres.runs:
                self._world.postgres.start()

        return undo

    def skew_clock(self):
        node = self._world.nodes[-1]
        node.set_clock(self._dice.choice((-1, 1)) * self._dice.randrange(2, 90))
        return lambda: node.set_clock(0)


def play(plan: Plan, seed: int, evidence: pathlib.Path) -> tuple[int, str, dict]:
    """One round. The checker's exit status, what it printed, and counts."""
    began = time.monotonic()
    world = World(evidence, seed, plan.roles, plan.room_mib, plan.clock, plan.grace_s, plan.machines)
    try:
        clients = Clients(world, seed, plan.clients, plan.pause_s, plan.shared)
        faults = Faults(world, clients, random.Random(f"{seed}/faults"), plan)
        for node in world.nodes:
            if node.server.url:
                wait_until(lambda: ApiClient(node.server.url, world.key.api_key, world.key.secret).call("aws.status", limit=1, offset=0).ok, 20,
                           "each node knows account and key")
        clients.start()
        try:
            faults.play()
            faults.heal()
        finally:
            clients.stop()
        waited = wait_for_ends(world, plan)
        world.collect()
        done = subprocess.run([sys.executable, HERE / "checker.py", evidence], capture_output=True, text=True, timeout=300)
        ends = collections.Counter(one["state"] for one in json.loads((evidence / "ended.json").read_text()))
        counts = dict(clients.seen) | {f"fault {name}": count for name, count in sorted(faults.counts.items())} | {
            "uploads": sum(ends.values()), **ends, "callbacks received": sum(1 for _ in open(evidence / "received.jsonl")),
            "seconds": round(time.monotonic() - began)}
        return done.returncode, done.stdout + done.stderr + (f"still unfinished: {waited}\n" if waited else ""), counts
    finally:
        (evidence / "logs.txt").write_text(world.logs())
        world.close()


def wait_for_ends(world: World, plan: Plan) -> dict[str, int]:
    """Waits until everything has ended, at most so long as the plan allows; then answers what has not."""
    if not plan.waits:
        for node in world.nodes:
            world.end_leases(node)
    deadline = time.monotonic() + plan.bound_s
    while any((left := world.unfinished()).values()):
        if time.monotonic() > deadline:
            return left
        time.sleep(1)
        world.end_waits()
    return {}


ALL = {"kill_node": 4, "kill_node_shortly": 6, "pause_node": 3, "end_leases": 1, "cut_database": 2, "hold_database": 2, "cut_store": 2, "hold_store": 1,
       "lose_store_answers": 2, "kill_database": 2, "restart_database": 1, "skew_clock": 1}
PLANS = {
    # Of ./do test: some kills, repeats at all nodes, cuts between nodes and database.
    "short": Plan(0, {}, ("kill_node_shortly", "cut_database", "kill_node", "kill_node_shortly", "cut_database"), roles=("", ""), every_s=1, longest_s=3,
                  clients=4, grace_s=5),
    "kills": Plan(60, {"kill_node_shortly": 10, "kill_node": 2}, every_s=0.3, longest_s=2, at_once=2),
    "all": Plan(90, ALL | {"fill_disk": 1}, room_mib=700, clock=True),
    "leases": Plan(240, {"pause_past_lease": 3, "kill_node": 3, "hold_database": 2, "hold_store": 1}, waits=True, every_s=5, longest_s=20,
                   bound_s=300),
    "primaries": Plan(240, {"kill_primary": 8, "stop_primary": 1, "cut_primary": 1, "kill_node_shortly": 1}, roles=("", ""), machines=True, at_once=1,
                      every_s=0.2, longest_s=1, bound_s=200),
    # Aimed at one promise each (broken.py).
    # A node stops while it sends. When it goes on, another one, which looks for leases that ran out each 15 s, has begun with the same.
    "fences": Plan(75, {"pause_node": 1}, at_once=1, shortest_s=6, longest_s=9, looking_s=5, pause_s=0.3),
    "commits": Plan(40, {"kill_database_at_rest": 1}, roles=('["api"]', '["api"]', '["api", "worker", "callback"]'), every_s=1.0, longest_s=0.3, pause_s=0.01,
                    shared=True, clients=8),
    "callbacks": Plan(30, {"kill_node_shortly": 1, "cut_database": 2}, every_s=0.8, longest_s=2, pause_s=0.02),
    "repeats": Plan(15, {"kill_node_shortly": 1}, every_s=2, longest_s=1),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--plan", choices=sorted(PLANS), action="append", help="in turn; all and leases by default")
    parser.add_argument("--seconds", type=float, help="begin rounds for so long; default: one round of each plan")
    parser.add_argument("--evidence", type=pathlib.Path, help="a folder where the evidence of each round stays")
    options = parser.parse_args()
    plans = options.plan or ["all", "leases"]
    total, began, broken, rounds = collections.Counter(), time.monotonic(), 0, 0
    while rounds < len(plans) if options.seconds is None else time.monotonic() - began < options.seconds:
        name, seed = plans[rounds % len(plans)], options.seed + rounds
        folder = pathlib.Path(tempfile.mkdtemp(prefix="vodlift-campaign-"))
        print(f"== round {rounds + 1}: plan {name}, seed {seed}", flush=True)
        try:
            status, verdict, counts = play(PLANS[name], seed, folder)
        except Exception:
            status, verdict, counts = 2, f"the round could not be played to its end\n{traceback.format_exc()}", {}
        print(verdict + "   " + ", ".join(f"{what} {count}" for what, count in counts.items()), flush=True)
        total.update(counts)
        rounds += 1
        broken += status != 0
        if options.evidence or status:
            kept = (options.evidence or folder.parent) / f"{name}-{seed}"
            shutil.rmtree(kept, ignore_errors=True)
            shutil.move(folder, kept)
            print(f"   evidence: {kept}", flush=True)
        else:
            shutil.rmtree(folder)
    print(f"== {rounds} rounds from seed {options.seed}, {broken} of them broken: " + ", ".join(f"{what} {count}" for what, count in total.items()))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
