"""What vodlift needs as it grows, and what breaks first: a model of measured figures. docs/scaling.md has its tables.

    /usr/bin/python3 bench/scaling_model.py            # prints the tables
    /usr/bin/python3 bench/scaling_model.py --write    # writes them into docs/scaling.md

scaling_inputs.py has all that goes in. Groups of accepted uploads are simulated, all else is arithmetic.
"""

import argparse
import collections
import functools
import heapq
import random
import re
from pathlib import Path
from typing import NamedTuple

from report import table
from scaling_inputs import ASSUMED, CLIENT_S, CONSTANTS, FLUSH_S, MEASURED, ROUND_TRIPS, SWITCHING, assumed, measured

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/scaling.md"
DAY_S = 86400
MIB, GIB, TB = 1 << 20, 1 << 30, 1e12
US = 1e-6


# --- Accepts: a simulation

class Accepts(NamedTuple):
    per_s: float
    together: float  # uploads of a group
    p99_ms: float


class Simulation:
    """Nodes that commit accepted uploads in groups on one server. Processes are generators that yield what they wait for. Clients
    and server share the cores unless `apart`. Either `clients` wait for an answer each, or `rate` uploads come each second. A commit
    waits so long for a standby, if there is one; such waits overlap."""

    def __init__(self, nodes: int, cores: int, clients: int = 0, rate: float = 0.0, apart: bool = False, standby_s: float = 0.0):
        self._now, self._events, self._count = 0.0, [], 0
        self._free_cores, self._runnable = cores, collections.deque()
        self._flushing, self._to_flush = False, []
        self._apart, self._standby_s = apart, standby_s
        self._random = random.Random(1)
        self._posted = [collections.deque() for _ in range(nodes)]    # uploads that wait, by when they came
        self._idle = [[] for _ in range(nodes)]                       # threads that wait for uploads
        self._answered = [clients // nodes for _ in range(nodes)]     # clients that may call again
        self._callers = [[] for _ in range(nodes)]
        self._waits, self._groups = [], 0
        for node in range(nodes):
            for _ in range(CONSTANTS["kAcceptThreads"][0]):
                self._go(self._commit(node))
            self._go(self._call(node) if clients else self._come(node, rate / nodes))

    def run(self, seconds: float) -> Accepts:
        while self._events and self._now < seconds:
            self._now, _, then = heapq.heappop(self._events)
            then()
        waits = sorted(self._waits)
        return Accepts(len(waits) / self._now, len(waits) / max(self._groups, 1), 1000 * waits[len(waits) * 99 // 100])

    def _commit(self, node: int):
        posted = self._posted[node]
        own = SWITCHING * measured("node, group of accepts") * US / ROUND_TRIPS
        while True:
            while not posted:
                yield self._idle[node].append
            jobs = [posted.popleft() for _ in range(min(CONSTANTS["kMostTogether"][0], len(posted)))]
            server = SWITCHING * measured("server, group of accepts") + measured("server, each accept in it") * len(jobs)
            for _ in range(ROUND_TRIPS):
                yield self._client(own)
                yield functools.partial(self._work, server * US / ROUND_TRIPS)
            yield self._flush
            if self._standby_s > 0:
                yield functools.partial(self._sleep, self._standby_s)
            self._groups += 1
            self._waits += [self._now - came for came in jobs]
            self._answered[node] += len(jobs)
            self._wake(self._callers[node])

    def _call(self, node: int):
        while True:
            while not self._answered[node]:
                yield self._callers[node].append
            self._answered[node] -= 1
            yield self._client(CLIENT_S)
            self._post(node)

    def _come(self, node: int, rate: float):
        while True:
            yield functools.partial(self._sleep, self._random.expovariate(rate))
            self._post(node)

    def _post(self, node: int) -> None:
        self._posted[node].append(self._now)
        self._wake(self._idle[node])

    def _client(self, seconds: float):
        return functools.partial(self._sleep if self._apart else self._work, seconds)

    def _go(self, process) -> None:
        next(process)(process)

    def _wake(self, waiting: list) -> None:
        if waiting:
            self._sleep(0, waiting.pop())

    def _sleep(self, seconds: float, process) -> None:
        self._at(seconds, lambda: self._go(process))

    def _at(self, seconds: float, then) -> None:
        self._count += 1
        heapq.heappush(self._events, (self._now + seconds, self._count, then))

    def _work(self, seconds: float, process) -> None:
        self._runnable.append((seconds, process))
        self._run_cores()

    def _run_cores(self) -> None:
        while self._free_cores and self._runnable:
            seconds, process = self._runnable.popleft()
            self._free_cores -= 1
            self._at(seconds, functools.partial(self._worked, process))

    def _worked(self, process) -> None:
        self._free_cores += 1
        self._go(process)
        self._run_cores()

    def _flush(self, process) -> None:
        self._to_flush.append(process)
        self._begin_flush()

    def _begin_flush(self) -> None:
        if self._flushing or not self._to_flush:
            return
        self._flushing = True
        batch, self._to_flush = self._to_flush, []
        self._at(FLUSH_S, functools.partial(self._flushed, batch))

    def _flushed(self, batch: list) -> None:
        self._flushing = False
        for process in batch:
            self._go(process)
        self._begin_flush()


@functools.cache
def accepts_of(nodes: int, clients: int) -> Accepts:
    """On the machine of the measurements: two cores that clients, nodes and server share."""
    return Simulation(nodes, 2, clients=clients).run(2.0)


@functools.cache
def accepts_at(rate: float, nodes: int = 1, standby_s: float = 0.0) -> Accepts:
    """Of nodes that take so many calls a second together, and a server of their own."""
    return Simulation(nodes, int(assumed("server_cores")), rate=rate, apart=True, standby_s=standby_s).run(500 / rate + 0.5)


# --- What a cluster needs

class Cluster(NamedTuple):
    nodes: int
    uploads_a_day: float
    all_roles: bool = False  # of each node; of three nodes in any case

    @property
    def api_nodes(self) -> int:
        return self.nodes if self.all_roles or self.nodes <= 3 else max(2, self.nodes // 50)

    @property
    def workers(self) -> int:
        return self.nodes if self.all_roles or self.nodes <= 3 else self.nodes - self.api_nodes

    @property
    def peak(self) -> float:
        """Uploads in the busiest second."""
        return self.uploads_a_day / DAY_S * assumed("peak")


def blocks(cluster: Cluster) -> float:
    """Partitions of uploads, and as many of ended uploads: what is kept, one that fills and one ahead."""
    return 2 + cluster.uploads_a_day * assumed("kept_days") / CONSTANTS["kBlockIds"][0]


def needs(cluster: Cluster) -> dict[str, float]:
    """At the peak, each second; but for what says otherwise."""
    rate = cluster.peak
    further = (blocks(cluster) - 2) * measured("server, each further block, of a status call") * US
    claim = (blocks(cluster) - 2) * measured("server, each further block, of a claim") * US
    group = accepts_at(float(f"{max(1, rate / cluster.api_nodes):.1g}")).together
    alone = measured("server, an upload alone, with callback") * US
    accept_alone = (measured("server, group of accepts") + measured("server, each accept in it")) * US
    # A worker puts into one transaction what ends while the one before is under way, some 5 ms.
    ends = 1 + 0.005 * rate / cluster.workers
    in_groups = 2 / measured("claimed and ended, one node") / 2  # half of two cores is the server's
    accept = measured("server, each accept in it") * US + measured("server, group of accepts") * US / group
    work = in_groups + (alone - accept_alone - in_groups) / ends
    status = measured("server, a status call with 2 blocks") * US + further
    notices = min(rate * measured("notices of an upload"), cluster.nodes * 1000 / CONSTANTS["kGather"][0])
    a_look = measured("server, another worker for each upload") * US / 2  # two looks for each upload
    looks = (cluster.workers - 1) * min(rate * 2, assumed("looks"))
    cores = {
        "uploads": rate * (accept + work + (claim + further) / ends),  # the callback's text is made as a status is read
        "status calls": rate * assumed("status_calls") * status,
        "looks for work": looks * a_look,
        "news": notices * (measured("server, a notice") + measured("server, each session that hears it") * cluster.nodes) * US,
        "idle nodes": cluster.nodes * measured("server, an idle node") * US,
    }
    commits = rate * (1 / group + (measured("changes committed for an upload alone") - 1) / ends)
    log = measured("log of an upload, in groups") + (measured("log of an upload alone, with callback")
                                                     - measured("log of an upload, in groups")) / ends
    return {
        "uploads": rate, "status calls": rate * assumed("status_calls"), "together": group, "commits": commits, "notices": notices, "heard": notices * cluster.nodes,
        "looks": looks, "log": rate * log, "cores": sum(cores.values()), **{f"cores, {name}": value for name, value in cores.items()},
        "statements": rate * measured("statements of an upload alone") / ends + looks * measured("statements of another worker for each upload") / 2
                      + cluster.nodes * measured("statements of an idle node"),
        "polls": cluster.nodes * 1000 / CONSTANTS["kPoll"][0], "beats": cluster.nodes / CONSTANTS["kBeatEvery"][0],
        "claims": rate / ends, "claims of a worker": rate / ends / cluster.workers,
        "connections": cluster.workers * (assumed("connections") + 2) + cluster.api_nodes * 18,
        "connections by default": cluster.nodes * 18,
        "blocks": blocks(cluster),
        # Statements under way that touch all blocks.
        "locks": rate * (assumed("status_calls") + 2) * status * blocks(cluster) * measured("locks of a statement for each block"),
        "disk": cluster.uploads_a_day * assumed("kept_days") * measured("rows of an ended upload with callback"),
        "dead rows a minute": rate * 60 * 2,
        "transaction ids a day": cluster.uploads_a_day * (commits + notices) / rate,
        "retention": cluster.uploads_a_day / DAY_S,
        "bytes": rate * assumed("file_mib") * MIB,
    }


def small_cluster() -> dict[str, float]:
    """What bench/node_cost.py has measured too, of one upload: 8 nodes with all roles, 10 uploads a second, no status calls."""
    own = needs(Cluster(8, 10 * DAY_S / assumed("peak"), all_roles=True))
    return {"server_us": (own["cores"] - own["cores, status calls"]) / 10 / US, "statements": own["statements"] / 10}


# What is measured, by the model, and how many times the model may be off. The first two are fitted, the others forecasts.
VALIDATION = [("accepts, one node, 64 clients", lambda: accepts_of(1, 64).per_s, 1.1),
              ("accepts, two nodes, 64 clients", lambda: accepts_of(2, 64).per_s, 1.1),
              ("uploads of a group, one node, 64 clients", lambda: accepts_of(1, 64).together, 1.25),
              ("uploads of a group, two nodes, 64 clients", lambda: accepts_of(2, 64).together, 1.25),
              ("statements of an upload, 8 nodes, 10 uploads/s", lambda: small_cluster()["statements"], 1.25),
              ("server, an upload, 8 nodes, 10 uploads/s", lambda: small_cluster()["server_us"], 1.25),
              ("accepts, one node, 2 clients", lambda: accepts_of(1, 2).per_s, 2),
              ("accepts, one node, 16 clients", lambda: accepts_of(1, 16).per_s, 2),
              ("accepts, one node, 256 clients", lambda: accepts_of(1, 256).per_s, 2),
              ("accepts, 8 nodes, 256 clients", lambda: accepts_of(8, 256).per_s, 2)]


def senders(uploads_a_day: float, file_mib: float) -> int:
    """Machines that send, at the peak, by network or processors, whichever asks for more."""
    rate = uploads_a_day / DAY_S * assumed("peak") * file_mib * MIB
    by_network = rate / assumed("network")
    by_cores = rate / GIB * measured("processor for sending over TLS") / assumed("node_cores")
    return max(1, -int(-max(by_network, by_cores) / assumed("busy") // 1))


def retention_a_node() -> float:
    """Uploads that one node removes a second."""
    return CONSTANTS["kStep"][0] * 1000 / (assumed("step_ms") + max(100, CONSTANTS["kRestFactor"][0] * assumed("step_ms")))


# --- What breaks first

class Limit(NamedTuple):
    what: str
    name: str     # of needs()
    most: float
    then: str


def limits() -> list[Limit]:
    return [
        Limit("connections, all as by default", "connections by default", 97, "`[store] connections = 4` on workers, and `max_connections`"),
        Limit(f"connections of workers with 4, up to {assumed('most_sessions'):,}", "connections", assumed("most_sessions"), "cells"),
        Limit("processors of the server: 32 cores, 70 % busy", "cores", assumed("server_cores") * assumed("busy"),
              "fewer and larger workers, shorter retention, then cells"),
        Limit("locks: `max_locks_per_transaction = 64`, `max_connections = 100`", "locks", 6400, "`max_locks_per_transaction = 1024`"),
        Limit("commits, as many as pgbench made on two cores", "commits", measured("single-row commits of pgbench, 64 clients"),
              "more cores and a faster disk; what 32 cores can do is not measured"),
        Limit("`NOTIFY`, which the server takes one after the other", "notices", measured("notices that a server takes"), "cells"),
        Limit("retention, if one node does it", "retention", retention_a_node(), "`[retention]` on more nodes"),
        Limit("a freeze of all tables each day (`autovacuum_freeze_max_age` of 200 million)", "transaction ids a day", 200e6,
              "`autovacuum_freeze_max_age = 1000000000`"),
        Limit("disk of 8 TB, 70 % full", "disk", assumed("disk") * assumed("busy"), "shorter retention, a larger disk, or cells"),
        Limit("rows that a minute without vacuum leaves dead: a million", "dead rows a minute", 1e6, "`autovacuum_naptime = 10s`"),
        Limit("log of the server: 200 MB/s", "log", 200e6, "a faster disk"),
    ]


def on_the_way(nodes: int) -> Cluster:
    """Nodes and uploads grow together, to 1,000 nodes and 100 million uploads a day."""
    return Cluster(nodes, nodes * 1e5)


def breaks_at(limit: Limit) -> int | None:
    """The first number of nodes on the way that is too much; None: none up to 1,000."""
    if needs(on_the_way(1000))[limit.name] <= limit.most:
        return None
    low, high = 0, 1000
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if needs(on_the_way(middle))[limit.name] > limit.most else (middle, high)
    return high


# --- Tables

def number(value: float) -> str:
    if value >= 100:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


def validation_table() -> str:
    rows = []
    for name, model, _ in VALIDATION:
        real, modelled = measured(name), model()
        rows.append([name, number(real), number(modelled), f"{100 * (modelled / real - 1):+.0f} %"])
    return table(["", "measured", "model", "error"], rows)


def inputs_table() -> str:
    return table(["measured", "figure", "by"], [[name, f"{figure.value:,g} {figure.unit}", f"`{figure.source}`"] for name, figure in MEASURED.items()])


def assumptions_table() -> str:
    return table(["assumed", "figure"], [[name.replace("_", " "), f"{value:,g}: {text}"] for name, (value, text) in ASSUMED.items()])


def machines_table() -> str:
    """Uploads a day and machines that send."""
    rows = []
    for uploads in (1e4, 1e5, 1e6, 1e7, 1e8):
        rows.append([number(uploads), number(uploads / DAY_S * assumed("peak")), *[f"{senders(uploads, size):,}" for size in (5, 50, 500)]])
    return table(["uploads a day", "a second, at the peak", "files of 5 MiB", "of 50 MiB", "of 500 MiB"], rows)


def one_table() -> str:
    """One machine that sends; the queue was measured on two cores."""
    rows = []
    for size in (1, 50, 500):
        most = {"network": assumed("network") / (size * MIB),
                "processors": assumed("node_cores") * GIB / (size * MIB) / measured("processor for sending over TLS"),
                "queue": measured("files of 64 KiB, end to end, with SQLite")}
        first = min(most, key=most.get)
        rate = assumed("busy") * most[first]
        rows.append([f"files of {size} MiB", number(rate), number(rate * DAY_S / assumed("peak")), first])
    return table(["", "uploads a second", "uploads a day", "what is used up first"], rows)


def most_of(machines: int, file_mib: float) -> tuple[float, str]:
    """Uploads a day by so many machines, one of which has the primary too, and what is used up first."""
    def used(uploads: float) -> dict[str, float]:
        own = needs(Cluster(machines, uploads))
        sent = own["uploads"] / machines * file_mib * MIB
        return {"network": sent / assumed("network"),
                "processors": (own["cores"] / measured("accepts with a synchronous standby, to without")
                               + sent / GIB * measured("processor for sending over TLS")) / assumed("node_cores")}

    low, high = 0.0, 1e9
    while high - low > 1000:
        middle = (low + high) / 2
        low, high = (low, middle) if max(used(middle).values()) > assumed("busy") else (middle, high)
    return high, max(used(high), key=used(high).get)


def three_table() -> str:
    rows = []
    for size in (1, 50, 500):
        (most, first), (left, _) = most_of(3, size), most_of(2, size)
        rows.append([f"files of {size} MiB", number(most / DAY_S * assumed("peak")), number(most), first, number(left)])
    return table(["", "uploads a second", "uploads a day", "what is used up first", "a day, with a machine away"], rows)


def cells_table() -> str:
    """100 million uploads a day, by as many machines as send files of that size, in one cell or in more."""
    nodes, uploads = senders(1e8, assumed("file_mib")), 1e8
    rows = []
    for cells in (1, 2, 4, 10, 20):
        one = needs(Cluster(nodes // cells, uploads / cells))
        rows.append([str(cells), f"{nodes // cells:,}", number(uploads / cells), number(one["cores"]), number(one["cores"] * cells), number(one["blocks"]),
                     number(one["connections"]), number(one["commits"]), number(one["disk"] / TB)])
    return table(["cells", "nodes of a cell", "uploads a day", "cores of its server", "of all servers", "blocks of ids", "connections", "commits/s", "disk, TB"], rows)


def accepts_table() -> str:
    """Uploads of a group and the wait for an answer, by calls, nodes that take them, and the standby."""
    rows = []
    for rate in (100, 1000, 5000):
        for nodes in (1, 2, 20):
            found = [accepts_at(rate, nodes, standby_ms / 1000) for standby_ms in (0, 1, 10)]
            rows.append([f"{rate:,} calls a second, {nodes} node{'s' if nodes > 1 else ''}", *[f"{number(one.together)}; {number(one.p99_ms)} ms" for one in found]])
    return table(["uploads of a commit; wait, p99", "no standby", "a standby at 1 ms", "at 10 ms"], rows)


def growth_table() -> str:
    clusters = [on_the_way(nodes) for nodes in (10, 30, 100, 300, 1000)]
    all_needs = [needs(one) for one in clusters]

    def row(name: str, of: str, scale: float = 1.0) -> list[str]:
        return [name, *[number(one[of] / scale) for one in all_needs]]

    return table(["nodes", *[f"{one.nodes:,}" for one in clusters]], [
        ["uploads a day", *[number(one.uploads_a_day) for one in clusters]],
        row("accepts, claims, ends, callbacks a second each", "uploads"), row("status calls a second", "status calls"),
        row("accepts in a transaction", "together"), row("transactions of claims a second", "claims"), row("of these by a worker", "claims of a worker"),
        row("commits a second", "commits"), row("statements a second", "statements"),
        row("connections, as below", "connections"), row("connections by default", "connections by default"),
        row("notices a second", "notices"), row("notices heard a second, by all", "heard"),
        row("looks for work a second", "looks"), row("polls by nodes a second", "polls"), row("heartbeats a second", "beats"),
        row("log, MB a second", "log", 1e6), row("cores of the server", "cores"),
        *[row(f"… for {name}", f"cores, {name}") for name in ("uploads", "status calls", "looks for work", "news", "idle nodes")],
        row("blocks of ids", "blocks"), row("locks of statements under way", "locks"), row("disk of the server, TB", "disk", TB),
        row("dead rows a minute", "dead rows a minute"), row("transaction ids a day, millions", "transaction ids a day", 1e6),
        row("bytes to the stores a second, GB", "bytes", 1e9)])


def limits_table() -> str:
    found = [(breaks_at(limit), limit) for limit in limits()]
    ordered = sorted((one for one in found if one[0]), key=lambda one: one[0]) + [one for one in found if not one[0]]
    return table(["what is used up", "at nodes", "uploads a day", "what then"],
                 [[limit.what, f"{at:,}" if at else "–", number(on_the_way(at).uploads_a_day) if at else "–", limit.then] for at, limit in ordered])


TABLES = {"validation": validation_table, "inputs": inputs_table, "assumptions": assumptions_table, "machines": machines_table, "one": one_table,
          "three": three_table, "growth": growth_table, "limits": limits_table,
          "cells": cells_table, "accepts": accepts_table}


def with_tables(text: str) -> str:
    """The page with the tables of this model between its marks."""
    for name, make in TABLES.items():
        text, count = re.subn(rf"<!-- model: {name} -->\n.*?<!-- /model -->", lambda _, made=make(): f"<!-- model: {name} -->\n{made}\n<!-- /model -->",
                              text, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"{PAGE} has {count} places for the table {name}")
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the tables into docs/scaling.md")
    if parser.parse_args().write:
        PAGE.write_text(with_tables(PAGE.read_text()))
        return
    for name, make in TABLES.items():
        print(f"{name}\n\n{make()}\n")


if __name__ == "__main__":
    main()
