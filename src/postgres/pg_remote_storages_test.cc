#include "postgres/pg_remote_storages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <map>
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

using std::chrono::milliseconds;

constexpr auto kReady = std::future_status::ready;

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

constexpr std::int64_t kFilms = 1'234;  // in the folder "films"

// Storages with one file each, film.mp4, and a folder of many.
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
  std::vector<StorageInfo> list() override {
    std::vector<StorageInfo> all;
    for (const std::string& name : names_) all.push_back({.name = name, .available = !away, .bytes_free = 77});
    return all;
  }
  void list_files(FileQuery query, std::function<void(Result<FileList>)> done) override {
    if (!names_.contains(query.folder.storage)) return done(Error{Errc::storage_unknown, "unknown"});
    ++listed;
    if (away) return done(Error{Errc::storage_unavailable, "away"});
    if (query.folder.file != "films") return done(Error{Errc::source_not_found, "no such folder", "/srv/far"});
    FileList list{.total = kFilms, .complete = false, .skipped = 5};
    const auto end = std::min(query.offset + static_cast<std::int64_t>(query.limit), kFilms);
    for (std::int64_t number = query.offset; number < end; ++number) list.files.push_back(film(query, number));
    done(std::move(list));
  }
  static ListedFile film(const FileQuery& query, std::int64_t number) {
    const std::string name = std::to_string(10'000 + number) + std::string(1'000, 'x') + ".mp4";
    return {query.folder.storage + "/jb/films/" + name, number, from_unix_ms(number * 1'000), number < 3};
  }

  std::atomic<int> opened = 0;
  std::atomic<int> listed = 0;
  std::atomic<bool> away = false;

 private:
  const std::set<std::string> names_;
};

FileQuery films_of(const std::string& user, std::int64_t offset = 0, std::size_t limit = 5) {
  FileQuery query{.folder = {"far", user, "films"}, .depth = ListDepth::entries};
  query.offset = offset;
  query.limit = limit;
  return query;
}

std::future<Result<FileList>> listing(Storages& storages, FileQuery query) {
  const auto promise = std::make_shared<std::promise<Result<FileList>>>();
  storages.list_files(std::move(query), [promise](Result<FileList> list) { promise->set_value(std::move(list)); });
  return promise->get_future();
}

// For nodes of which nobody answers.
constexpr PgRemoteStorages::Patience kShort{milliseconds(50), milliseconds(50)};

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

  std::unique_ptr<PgRemoteStorages> node(const std::string& name, FewStorages& local, std::vector<std::string> storages,
                                         const PgRemoteStorages::Patience& patience = {}) {
    return std::make_unique<PgRemoteStorages>(local, nodes_, join(name, std::move(storages)), *database_, patience);
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

TEST_F(RemoteStoragesTest, FilesOnAStorageOfAnotherNodeAreListedThere) {
  const auto works = node("works", far_, {"far"});
  const auto calls = node("calls", near_, {"near"});
  await_listeners("2");
  for (const std::int64_t offset : {std::int64_t{0}, std::int64_t{1'000}, kFilms}) {
    const FileQuery query = films_of("jb", offset, kMaxListedEntries);
    const auto here = listing(far_, query).get().value();
    const auto there = listing(*calls, query).get().value();
    EXPECT_EQ(there.total, kFilms);
    EXPECT_FALSE(there.complete);
    EXPECT_EQ(there.skipped, 5);
    ASSERT_EQ(there.files.size(), here.files.size());
    for (std::size_t at = 0; at < here.files.size(); ++at) {
      EXPECT_EQ(there.files[at].path, here.files[at].path);
      EXPECT_EQ(there.files[at].size, here.files[at].size);
      EXPECT_EQ(there.files[at].modified, here.files[at].modified);
      EXPECT_EQ(there.files[at].folder, here.files[at].folder);
    }
  }
  const auto missing = listing(*calls, {.folder = {"far", "jb", "other"}}).get();
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::source_not_found);
  EXPECT_EQ(missing.error().for_operator(), "no such folder (/srv/far)");

  const int before = far_.listed;
  EXPECT_TRUE(listing(*calls, {.folder = {"near", "jb", "films"}}).get());
  EXPECT_EQ(listing(*calls, {.folder = {"nowhere", "jb", ""}}).get().error().code, Errc::storage_unknown);
  EXPECT_EQ(far_.listed, before) << "nobody was asked";
}

TEST_F(RemoteStoragesTest, LaterPagesComeFromTheNodeThatHasAnswered) {
  FewStorages other{{"far"}};
  const auto one = node("one", far_, {"far"});
  const auto two = node("two", other, {"far"});
  const auto calls = node("calls", near_, {"near"});
  await_listeners("3");
  ASSERT_TRUE(listing(*calls, films_of("jb")).get());
  // One of them has answered. Both were asked.
  while (far_.listed + other.listed < 2) {
  }
  for (int page = 0; page < 5; ++page) ASSERT_TRUE(listing(*calls, films_of("jb")).get());
  const bool first = far_.listed > 1;
  EXPECT_EQ(far_.listed, first ? 6 : 1);
  EXPECT_EQ(other.listed, first ? 1 : 6);

  // When it cannot any more, one call is told so. The next asks all.
  (first ? far_ : other).away = true;
  EXPECT_EQ(listing(*calls, films_of("jb")).get().error().code, Errc::storage_unavailable);
  EXPECT_TRUE(listing(*calls, films_of("jb")).get());
}

TEST_F(RemoteStoragesTest, StoragesOfAllNodesAreListedByName) {
  FewStorages works_too{{"zebra", "far"}};
  far_.away = true;
  const auto works = node("works", far_, {"far"});
  const auto others = node("others", works_too, {"zebra", "far"});
  const auto calls = node("calls", near_, {"near"});
  await_listeners("3");
  const auto all = calls->list_everywhere().value();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].name, "far");
  EXPECT_EQ(all[1].name, "near");
  EXPECT_EQ(all[2].name, "zebra");
  for (const StorageInfo& one : all) EXPECT_TRUE(one.available && one.bytes_free == 77) << one.name;
  const auto here = calls->list();
  ASSERT_EQ(here.size(), 1U);
  EXPECT_EQ(here[0].name, "near");
}

TEST_F(RemoteStoragesTest, ANodeThatDoesNotAnswerIsNotWaitedForWithoutEnd) {
  join("hangs", {"far"});
  const auto calls = node("calls", near_, {"near"}, kShort);
  const auto unheard = listing(*calls, films_of("jb")).get();
  ASSERT_FALSE(unheard);
  EXPECT_EQ(unheard.error().code, Errc::storage_unavailable);
  EXPECT_EQ(unheard.error().message,
            "storage far is on other nodes, and none of them answers; try again later, or list a smaller folder");
  EXPECT_EQ(calls->open({"far", "jb", "film.mp4"}).error().code, Errc::storage_unavailable);
  const auto all = calls->list_everywhere().value();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].name, "far");
  EXPECT_FALSE(all[0].available);
  EXPECT_TRUE(all[1].available);
}

TEST_F(RemoteStoragesTest, ListsUnderWayAreBoundedAndAnsweredAtTheEnd) {
  join("hangs", {"far"});
  auto calls = node("calls", near_, {"near"}, {.files = std::chrono::hours(1)});
  std::vector<std::future<Result<FileList>>> waiting;
  const auto ask = [&](const std::string& user) { waiting.push_back(listing(*calls, films_of(user))); };
  // Those that are refused are answered at once, those under way when the node ends.
  constexpr std::size_t kAccounts = PgRemoteStorages::kMostLists / PgRemoteStorages::kMostListsOfAccount;
  for (std::size_t account = 0; account < kAccounts; ++account) {
    for (std::size_t number = 0; number <= PgRemoteStorages::kMostListsOfAccount; ++number) {
      ask("user" + std::to_string(account));
    }
  }
  const auto refused = [&] {
    return std::ranges::count_if(waiting, [](auto& one) { return one.wait_for(milliseconds(0)) == kReady; });
  };
  while (refused() < static_cast<std::int64_t>(kAccounts)) {
  }
  ask("other");
  EXPECT_EQ(waiting.back().get().error().message, "more listings than usual; try again in a few minutes");
  waiting.pop_back();
  calls.reset();
  std::map<Errc, std::size_t> ends;
  for (auto& one : waiting) ++ends[one.get().error().code];
  EXPECT_EQ(ends, (std::map<Errc, std::size_t>{{Errc::overloaded, kAccounts},
                                               {Errc::shutting_down, PgRemoteStorages::kMostLists}}));
}

}  // namespace
}  // namespace vodlift::postgres
