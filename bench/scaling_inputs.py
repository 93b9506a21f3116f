"""What goes into scaling_model.py: what was measured, with the command that measures it again; what the sources say; and what
nobody has measured.
"""

from typing import NamedTuple


class Figure(NamedTuple):
    value: float
    unit: str
    source: str


QUEUE, SCALE, COST, RESULTS = "bench_postgres_queue", "bench_postgres_scale", "bench/node_cost.py", "bench/RESULTS.md"
MEASURED = {
    "accepts with SQLite": Figure(16299, "calls/s", f"{RESULTS} (a)"),
    "files of 64 KiB, end to end, with SQLite": Figure(3467, "files/s", f"{RESULTS} (c)"),
    "processor for sending": Figure(0.624, "s/GiB", f"{RESULTS} (b)"),
    "processor for sending over TLS": Figure(1.453, "s/GiB", f"{RESULTS} (d)"),
    "single-row commits of pgbench, 64 clients": Figure(18442, "commits/s", QUEUE),
    "accepts, one node, 64 clients": Figure(11373, "uploads/s", QUEUE),
    "accepts, one node, 2 clients": Figure(799, "uploads/s", f"{SCALE} --only nodes --clients 2; a busy machine"),
    "accepts, one node, 16 clients": Figure(6778, "uploads/s", f"{SCALE} --only nodes --clients 16; a busy machine"),
    "accepts, one node, 256 clients": Figure(11203, "uploads/s", f"{SCALE} --only nodes --clients 256; a busy machine"),
    "accepts, 8 nodes, 256 clients": Figure(7806, "uploads/s", f"{SCALE} --only nodes --clients 256 --nodes 8; a busy machine"),
    "accepts with a synchronous standby, to without": Figure(0.91, "ratio", f"{SCALE} --only standby"),
    "accepts, two nodes, 64 clients": Figure(7462, "uploads/s", f"{SCALE} --only nodes"),
    "claimed and ended, one node": Figure(4752, "uploads/s", QUEUE),
    "claim and end, two nodes to one": Figure(1.06, "ratio", f"{SCALE} --only nodes"),
    "claims of 10 at 11,000,000 uploads, p99": Figure(18, "ms", f"{SCALE} --only history"),
    "log of an upload, in groups": Figure(2724, "bytes", QUEUE),
    "log of an upload alone, with callback": Figure(7000, "bytes", f"{COST} --only uploads"),
    "uploads of a group, one node, 64 clients": Figure(18.6, "uploads", f"{COST} --only accepts"),
    "uploads of a group, two nodes, 64 clients": Figure(10.1, "uploads", f"{COST} --only accepts"),
    "server, group of accepts": Figure(545, "µs", f"{COST} --only accepts"),
    "server, each accept in it": Figure(57, "µs", f"{COST} --only accepts"),
    "node, group of accepts": Figure(214, "µs", f"{COST} --only accepts"),
    "server, an upload alone, with callback": Figure(5600, "µs", f"{COST} --only uploads"),
    "changes committed for an upload alone": Figure(5.2, "commits", f"{COST} --only uploads"),
    "statements of an upload alone": Figure(116, "statements", f"{COST} --only uploads"),
    "notices of an upload": Figure(1.5, "notices", f"{COST} --only uploads"),
    "statements of another worker for each upload": Figure(21, "statements", f"{COST} --only uploads"),
    "server, another worker for each upload": Figure(600, "µs", f"{COST} --only uploads"),
    "statements of an upload, 8 nodes, 10 uploads/s": Figure(300, "statements", f"{COST} --only uploads"),
    "server, an upload, 8 nodes, 10 uploads/s": Figure(15900, "µs", f"{COST} --only uploads"),
    "server, an idle node": Figure(3500, "µs/s", f"{COST} --only idle"),
    "statements of an idle node": Figure(37, "statements/s", f"{COST} --only idle"),
    "connections of a node with little to do": Figure(5.4, "connections", f"{COST} --only uploads"),
    "server, a notice": Figure(200, "µs", f"{COST} --only news"),
    "server, each session that hears it": Figure(11.3, "µs", f"{COST} --only news"),
    "notices that a server takes": Figure(14890, "notices/s", f"{COST} --only notices"),
    "server, a status call with 2 blocks": Figure(119, "µs", f"{COST} --only partitions"),
    "server, each further block, of a status call": Figure(11, "µs", f"{COST} --only partitions"),
    "server, each further block, of a claim": Figure(5, "µs", f"{COST} --only partitions"),
    "locks of a statement for each block": Figure(4.0, "locks", f"{COST} --only partitions"),
    "rows of an ended upload with callback": Figure(1793, "bytes", f"{COST} --only disk"),
    "uploads/s that a transaction held open for 3 minutes leaves of 5,300": Figure(4600, "uploads/s", f"{SCALE} --only held --held-s 180"),
}

# What the sources say: name, value, file. A test compares them.
CONSTANTS = {
    "kAcceptThreads": (2, "src/postgres/pg_upload_store.cc"),
    "kMostTogether": (512, "src/postgres/group_commit.h"),
    "kBlockIds": (10_000_000, "src/postgres/pg_database.h"),
    "kStep": (50, "src/worker/retention_run.h"),
    "kRestFactor": (10, "src/worker/retention_run.cc"),
    "kGather": (10, "src/postgres/pg_news.h"),
    "kPoll": (1000, "src/postgres/pg_news.h"),
    "kBeatEvery": (60, "src/app/upkeep.h"),
}

ASSUMED = {
    "peak": (3, "the busiest second to the average one"),
    "file_mib": (50, "MiB, an average file"),
    "status_calls": (2, "calls of `aws.status` for each upload"),
    "kept_days": (30, "days of `[retention]`"),
    "network": (1.1e9, "bytes/s of a network card of 10 Gbit/s"),
    "node_cores": (16, "processor cores of a machine that sends"),
    "server_cores": (32, "processor cores of the database server"),
    "connections": (4, "`[store] connections` of a worker; 16 of a node that takes calls"),
    "most_sessions": (5000, "sessions that a server bears"),
    "looks": (100, "looks for work of a node in a second, at most: as often as news is told"),
    "step_ms": (5, "ms, a step of the retention"),
    "disk": (8e12, "bytes of the database server's disk"),
    "busy": (0.7, "of processors and network that may be used at the peak"),
}
# Fitted by hand to the accepts of one node and of two. In the simulation a transaction costs so many times what its
# processor time says: changes of processes, and waiting for one another.
SWITCHING = 1.8
FLUSH_S = 0.0005    # a write of the log that is synced
CLIENT_S = 0.00004  # of the bench's client and of the node, for each upload

ROUND_TRIPS = 6  # of a transaction that accepts


def measured(name: str) -> float:
    return MEASURED[name].value


def assumed(name: str) -> float:
    return ASSUMED[name][0]
