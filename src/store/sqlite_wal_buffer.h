// SQLite's write-ahead log, written in few large pieces.
#pragma once

namespace vodlift::store {

// The name of a VFS for sqlite3_open_v2(): the system's own, but what a transaction appends to a write-ahead log is
// held in memory, 128 KiB at most, and written in one piece when more comes than that or anything else is asked of the
// file: a sync, a read, its size. SQLite itself writes each page in two pieces, which costs as much as the pages. What
// others may rely on is the same: a transaction is announced to readers only after its sync. That holds under
// synchronous=FULL, which sqlite_setup.cc sees to, and under nothing less. A failure to write is reported by the call
// that made it necessary; the buffer is empty then. The log's index, which SQLite maps, has all
// its blocks on the disk before it is written to. Registered at the first call; any thread.
const char* buffered_wal_vfs();

}  // namespace vodlift::store
