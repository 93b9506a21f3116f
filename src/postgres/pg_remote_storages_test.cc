#include "postgres/pg_remote_storages.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/change_feed.h"
#include "postgres/pg_database.h"
#include "postgres/pg_nodes.h"
#include "postgres/started_server_test.h"

namespace vodlift::postgres {
namespace {

class LookedAtFile final : public SourceFile {
 public:
  [[nodiscard]] const SourceIdentity& identity() const override { return identity_; }
  Result<std::size_t> read_cached(std::int64_t /*offset*/, std::span<std::uint8_t> /*buffer*/) const override {
    return std::size_t{0};
  }
  void read_async(std::int64_t /*offset*/, std::span<std::uint8_t> /*buffer*/,
                  std::function<void(Result<>)> done) const override {
    done(Result<>());
  }
  [[nodiscard]] Result<bool> settle(std::int64_t /*offset*/, std::int64_t /*size*/) const override { return false; }
  [[nodiscard]] Result<SourceIdentity> check_unchanged() const override { return identity_; }

 private:
  const SourceIdentity identity_{.size = 1234};
};

// Storages with one file each, film.mp4.
class FewStorages final : public Storages {
 public:
  explicit FewStorages(std::set<std::string> names) : names_(std::move(names)) {}

  Result<std::unique_ptr<SourceFile>> open(const SourcePath& path) override {
    if (!names_.contains(path.storage)) return Error{Errc::storage_unknown, "unknown"};
    ++opened;
    if (away) return Error{Errc::storage_unavailable, "away"};
    if (path.file != "film.mp4") return Error{Errc::source_not_found, "no such file: ä " + path.file};
    return std::unique_ptr<SourceFile>(std::make_unique<LookedAtFile>());
  }
  std::optional<Result<std::unique_ptr<SourceFile>>> open_cached(const SourcePath& /*path*/) override { return {}; }
  std::vector<StorageInfo> list() override { return {}; }
  void list_files(FileQuery /*query*/, std::function<void(Result<FileList>)> done) override { done(FileList{}); }

  std::atomic<int> opened = 0;
  std::atomic<bool> away = false;

 private:
  const std::set<std::string> names_;
};

class RemoteStoragesTest : public testing::Test {
 protected:
  static std::unique_ptr<PgDatabase> open_database(const std::string& name) {
    PgOptions options;
    options.url = StartedServer::shared().url_of(name);
    options.accept_unsafe = true;
    return PgDatabase::open(std::move(options)).value();
  }

  NodeTerm join(const std::string& name, std::vector<std::string> storages) {
    const NodeTerm term = nodes_.join(name).value();
    EXPECT_TRUE(nodes_.describe(term, {.storages = std::move(storages)}));
    return term;
  }

  std::unique_ptr<PgRemoteStorages> node(const std::string& name, FewStorages& local,
                                         std::vector<std::string> storages) {
    return std::make_unique<PgRemoteStorages>(local, nodes_, join(name, std::move(storages)), *database_);
  }

  void await_listeners(const std::string& count) {
    const auto connection = database_->open_apart().value();
    while (connection->execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                               " AND state = 'idle' AND query = 'LISTEN vodlift_storages'") != count) {
    }
  }

  const std::string name_ = StartedServer::shared().make_database();
  const std::unique_ptr<PgDatabase> database_ = open_database(name_);
  PgNodes nodes_{*database_};
  FewStorages near_{{"near"}};
  FewStorages far_{{"far"}};
};

TEST_F(RemoteStoragesTest, AFileOnAStorageOfAnotherNodeIsLookedAtThere) {
  const auto works = node("works", far_, {"far"});
  const auto calls = node("calls", near_, {"near"});
  await_listeners("2");
  const auto found = calls->open({"far", "jb", "film.mp4"});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ((*found)->identity().size, 1234);

  const auto missing = calls->open({"far", "jb", "other file.mp4"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::source_not_found);
  EXPECT_EQ(missing.error().message, "no such file: ä other file.mp4");
  far_.away = true;
  EXPECT_EQ(calls->open({"far", "jb", "film.mp4"}).error().code, Errc::storage_unavailable);

  const int before = far_.opened;
  EXPECT_TRUE(calls->open({"near", "jb", "film.mp4"}));
  EXPECT_EQ(calls->open({"nowhere", "jb", "film.mp4"}).error().code, Errc::storage_unknown);
  EXPECT_EQ(far_.opened, before) << "nobody was asked";
}

TEST_F(RemoteStoragesTest, ANodeThatDoesNotAnswerIsNotWaitedForWithoutEnd) {
  join("hangs", {"far"});
  const auto calls = node("calls", near_, {"near"});
  EXPECT_EQ(calls->open({"far", "jb", "film.mp4"}).error().code, Errc::storage_unavailable);
}

}  // namespace
}  // namespace vodlift::postgres
