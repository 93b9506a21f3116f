// What the ports of the queue share: one database, and who uses it.
#pragma once

#include "base/clock.h"
#include "core/change_feed.h"
#include "core/nodes.h"
#include "core/upload_store.h"
#include "postgres/pg_database.h"

namespace vodlift::postgres {

// Everything must outlive the ports that are built over it.
struct PgQueue {
  PgDatabase& database;
  LocalChangeFeed& feed;
  CallbackBody body;
  NodeTerm self;                           // claims are made in its name
  ClockWatch::Uptime uptime = since_boot;  // tells when the database's clock was set
};

}  // namespace vodlift::postgres
