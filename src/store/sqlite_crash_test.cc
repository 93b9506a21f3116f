// What was answered is there after the worst: kill -9, and a disk that takes no more.
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <latch>
#include <thread>

#include "base/file.h"
#include "store/sqlite_upload_store.h"
#include "store/sqlite_work_queue.h"
#include "store/store_test_support.h"

namespace vodlift::store {
namespace {

class Crash : public StoreTest {
 protected:
  // The child does nothing of the test framework's: it ends by signal or _exit.
  template <class Child>
  static pid_t fork_child(Child child) {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    child();
    ::_exit(99);
  }

  // Inserts without end; each id is written to `pipe` after the store has answered it.
  [[noreturn]] void submit_forever(int pipe) {
    const auto database = open().value();
    SqliteUploadStore uploads(queue_over(*database));
    for (int i = 0;; ++i) {
      std::latch answered(1);
      UploadId id = 0;
      uploads.insert(new_upload(std::to_string(i)), [&](const Result<InsertOutcome>& outcome) {
        if (outcome) id = outcome->id;
        answered.count_down();
      });
      answered.wait();
      if (id == 0 || ::write(pipe, &id, sizeof id) != sizeof id) ::_exit(98);
    }
  }

  static Errc insert_and_wait(SqliteUploadStore& uploads, const std::string& destination, std::size_t metadata_bytes) {
    NewUpload upload = new_upload(destination);
    upload.request.metadata = {{"filler", std::string(metadata_bytes, 'x')}};
    std::latch answered(1);
    std::optional<Errc> code;
    uploads.insert(std::move(upload), [&](const Result<InsertOutcome>& outcome) {
      if (!outcome) code = outcome.error().code;
      answered.count_down();
    });
    answered.wait();
    // `interrupted` is no answer of the store: it stands for success.
    return code.value_or(Errc::interrupted);
  }
};

TEST_F(Crash, EveryAnsweredIdSurvivesAKill) {
  std::int64_t answered_in_all = 0;
  for (int round = 1; round <= 5; ++round) {
    int ends[2] = {};
    ASSERT_EQ(::pipe(ends), 0);
    const UniqueFd read_end(ends[0]);
    UniqueFd write_end(ends[1]);
    const pid_t child = fork_child([&] { submit_forever(write_end.get()); });
    ASSERT_GT(child, 0);
    write_end.reset();
    std::vector<UploadId> answered;
    UploadId id = 0;
    while (::read(read_end.get(), &id, sizeof id) == sizeof id) {
      answered.push_back(id);
      if (answered.size() == static_cast<std::size_t>(round) * 37) ::kill(child, SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    answered_in_all += std::ssize(answered);

    const auto database = open();
    ASSERT_TRUE(database) << database.error().message;
    SqliteUploadStore uploads(queue_over(**database));
    const auto found = uploads.find(158, {.ids = answered, .limit = 25, .offset = 0});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->size(), answered.size()) << "round " << round;
    const auto counts = uploads.counts().value();
    ASSERT_EQ(counts.size(), 1U);
    const auto all = (*database)->read([](SqliteConnection& connection) -> Result<std::string> {
      return connection.query("SELECT count(*) || ' ' || sum(size) FROM uploads").value();
    });
    EXPECT_EQ(std::to_string(counts[0].uploads) + " " + std::to_string(counts[0].bytes), all.value());
  }
  EXPECT_GE(answered_in_all, 15 * 37);
}

// A limit on the size of files stands for a full disk: writes fail from one moment on, then work again.
void set_file_size_limit(rlim_t bytes) {
  rlimit limit = {};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = bytes;
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

TEST_F(Crash, AFullDiskRefusesAndRecovers) {
  const pid_t child = fork_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    {
      const auto database = open().value();
      SqliteUploadStore uploads(queue_over(*database));
      SqliteWorkQueue work(queue_over(*database));
      FairShare share;
      if (insert_and_wait(uploads, "before", 10) != Errc::interrupted) ::_exit(1);
      const auto log_size = std::filesystem::file_size(path_.string() + "-wal");
      set_file_size_limit(log_size);
      for (int i = 0; i < 3; ++i) {
        if (insert_and_wait(uploads, "during", 50'000) != Errc::store_failed) ::_exit(2);
      }
      if (uploads.find(158, {}).value().size() != 1) ::_exit(3);
      if (!database->health().refuses_for) ::_exit(9);
      if (claim_next(work, share, {1, 1}, std::chrono::seconds(60))) ::_exit(4);
      set_file_size_limit(RLIM_INFINITY);
      if (insert_and_wait(uploads, "after", 50'000) != Errc::interrupted) ::_exit(5);
      if (database->health().refuses_for) ::_exit(10);
      if (claim_next(work, share, {10, 10}, std::chrono::seconds(60)).value().size() != 2) ::_exit(6);
    }
    const auto database = open();
    if (!database) ::_exit(7);
    SqliteUploadStore uploads(queue_over(**database));
    ::_exit(uploads.find(158, {}).value().size() == 2 ? 0 : 8);
  });
  ASSERT_GT(child, 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0) << "the step that went wrong";
}

}  // namespace
}  // namespace vodlift::store
