// What the tests of this folder share: a directory of their own, a database in it, plain uploads.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "core/upload_store.h"
#include "store/sqlite_database.h"
#include "store/sqlite_queue.h"

namespace vodlift::store {

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    // Lines of uploads would start the thread that writes them, and tests of crashes fork.
    log::configure(log::Format::console, log::Level::warn);
    std::string name = (std::filesystem::temp_directory_path() / "vodlift-store-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    directory_ = name;
    path_ = directory_ / "queue.db";
  }
  ~StoreTest() override { std::filesystem::remove_all(directory_); }

  Result<std::unique_ptr<SqliteDatabase>> open(SqliteWriter::Limits limits = {}) {
    SqliteOptions options;
    options.path = path_;
    options.readers = 2;
    options.writer = limits;
    return SqliteDatabase::open(options, clock_);
  }

  static std::string bytes_in(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  static NewUpload new_upload(const std::string& destination) {
    NewUpload upload;
    upload.account = 158;
    upload.request.path = "sestore4/jb/" + destination;
    upload.request.destination_path = destination;
    upload.request.bucket = "my_bucket";
    upload.size = 1000;
    upload.token = "0123456789abcdef0123456789abcdef";
    return upload;
  }

  // For ports over `database`, which must outlive them.
  SqliteQueue queue_over(SqliteDatabase& database) {
    return {database, clock_, feed_, [](const Upload&) { return std::string(); }, {1, 1}, since_boot};
  }

  SystemClock clock_;
  LocalChangeFeed feed_;
  std::filesystem::path directory_;
  std::filesystem::path path_;
};

}  // namespace vodlift::store
