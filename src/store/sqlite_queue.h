// What the ports of the queue share: one database, and who uses it.
#pragma once

#include "base/clock.h"
#include "core/change_feed.h"
#include "core/nodes.h"
#include "core/upload_store.h"
#include "store/sqlite_database.h"

namespace vodlift::store {

// Everything must outlive the ports that are built over it.
struct SqliteQueue {
  SqliteDatabase& database;
  const Clock& clock;
  LocalChangeFeed& feed;
  CallbackBody body;
  NodeTerm self;                // claims are made in its name
  ClockWatch::Uptime uptime{};  // tells when the clock was set
};

}  // namespace vodlift::store
