// One connection to PostgreSQL and the statements on it. Failures are kept by the connection, so that code made of
// several statements reads straight through: after the first failure every further statement does nothing.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "postgres/pg_result.h"
#include "postgres/pg_values.h"

struct pg_conn;

namespace vodlift::postgres {

// How long the server lets a statement run, wait for a lock, and a transaction stand idle. What it does not answer
// within kPatience, or a commit within kCommitPatience, is given up with the connection.
inline constexpr std::chrono::milliseconds kStatementTimeout{10'000};
inline constexpr std::chrono::milliseconds kLockTimeout{5'000};
inline constexpr std::chrono::milliseconds kIdleTimeout{15'000};
inline constexpr std::chrono::seconds kConnectTimeout{3};
inline constexpr std::chrono::milliseconds kPatience{15'000};
inline constexpr std::chrono::milliseconds kCommitPatience{30'000};

// What connections by one URL know together. Any thread.
struct PgServers {
  // When the server was started that was found last; it names the server. 0: none yet.
  std::atomic<std::int64_t> newest{0};
  // The host of the URL, counted from 0, with which the next search begins.
  std::atomic<std::size_t> first{0};
};

// Why a statement failed.
struct PgFailure {
  Error error;
  bool again = false;  // another transaction was in the way, or the connection is lost: the same may succeed
};

// A statement with its values, to be run together with others.
struct PgCall {
  template <class... Values>
  explicit PgCall(std::string_view text, const Values&... all) : sql(text) {
    (values.add(all), ...);
  }

  std::string_view sql;  // must outlive the call
  PgValues values;
};

// How a commit ended.
enum class Committed {
  yes,
  no,      // the server refused it: nothing was changed
  unknown  // the connection was lost meanwhile, or the server warned that a standby may not have it
};

// One thread at a time.
class PgConnection {
 public:
  // Connects to the host of the URL that takes changes, and sets what every session of ours has: time limits, the
  // search path, plans that use indexes. Takes kConnectTimeout for each host of the URL. Errors: store_failed,
  // config_invalid (the URL cannot be understood). No message holds the password.
  //
  // With `servers`, which must outlive it, the connection is lost as soon as another one has found that another server
  // takes changes now: a server that hangs or is cut off does not say so itself.
  static Result<std::unique_ptr<PgConnection>> open(const Secret& url, PgServers* servers = nullptr);

  PgConnection(const PgConnection&) = delete;
  PgConnection& operator=(const PgConnection&) = delete;
  ~PgConnection();

  // Runs one statement with values for $1, $2, …; it is prepared once for each distinct text, so the values' types must
  // be the same each time.
  template <class... Values>
  PgResult run(std::string_view sql, const Values&... values) {
    return run_one(PgCall(sql, values...));
  }

  // Runs statements one after the other, as run() does, but sends all of them before it waits for the first answer.
  // None may need what an earlier one answers. After one that fails the others are not run.
  std::vector<PgResult> run_together(const std::vector<PgCall>& calls);

  // The next statement is sent behind these, in one message. begun() gives their answers, and sends them alone if there
  // was no statement yet.
  void begin(std::vector<PgCall> calls);
  std::vector<PgResult> begun();

  // Runs one or several statements without values; answers the first column of the last row, as text.
  std::optional<std::string> execute(const std::string& sql) { return execute(sql, patience_); }
  std::optional<std::string> execute(const std::string& sql, std::chrono::milliseconds patience);

  // Ends the transaction that is open. `last`: statements of it that are sent in one message with its end.
  Committed commit(std::vector<PgCall> last = {});
  // Ends an open transaction, undoing it; harmless when none is open. Clears no failure.
  void roll_back();

  [[nodiscard]] bool failed() const { return failure_.has_value(); }
  // Returns the failure since the last call and clears it. Codes: internal (a constraint was violated), store_corrupt,
  // store_failed (all else).
  std::optional<PgFailure> take_failure();
  // Records a failure that PostgreSQL does not know of (a row that cannot be understood); store_corrupt.
  void fail(std::string message);

  // Waits until notifications come, `wake` can be read, or the time is over; returns whether `wake` can be read.
  bool wait_for_news(std::chrono::milliseconds patience, int wake);
  // The texts of the notifications that came.
  std::vector<std::string> take_news();

  // How long it waits for the answer to a statement from now on, instead of kPatience. A commit has its own.
  void set_patience(std::chrono::milliseconds patience) { patience_ = patience; }

  // Whether no statement can succeed any more.
  [[nodiscard]] bool is_lost() const;

  // A number of this connection's own. Random, so it is never that of another.
  [[nodiscard]] std::int64_t lane() const { return lane_; }
  // The number of its next transaction.
  std::int64_t next_mark() { return ++marks_; }

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Answer = std::unique_ptr<pg_result, std::function<void(pg_result*)>>;

  PgConnection(pg_conn* handle, PgServers* servers);
  static void on_notice(void* self, const pg_result* notice);

  PgResult run_one(PgCall call);
  // The name of the prepared statement; nothing: it failed.
  std::optional<std::string> prepared(std::string_view sql, const PgValues& values);
  // Sends a prepared statement with its values; false: the connection is lost.
  bool send(const std::string& name, const PgValues& values);
  // An answer for each of the calls; null: it failed, or was not run. What begin() was given goes first.
  std::vector<Answer> pipeline(const std::vector<PgCall>& calls, std::chrono::milliseconds patience);
  // The answers to statements in a pipeline, and its end.
  std::vector<Answer> receive_all(std::chrono::milliseconds patience);
  // What the server answers to what was sent: the last result. Null: nothing came in time.
  Answer receive(std::chrono::milliseconds patience);
  bool wait_for_answer(SteadyTime until);
  // Whether the answer is a success; else the failure is kept.
  bool check(const pg_result* answer);
  void lose(const std::string& message);
  // Where nothing came in time.
  void lose_unanswered();
  [[nodiscard]] bool is_replaced() const;

  pg_conn* handle_;
  PgServers* const servers_;
  std::int64_t server_ = 0;  // see PgServers
  std::chrono::milliseconds patience_ = kPatience;
  const std::int64_t lane_;
  std::optional<PgFailure> failure_;
  std::int64_t marks_ = 0;
  bool lost_ = false;
  bool warned_ = false;        // since the last look
  std::vector<PgCall> first_;  // that begin() was given, as long as they are not sent
  std::vector<PgResult> begun_;
  std::unordered_map<std::string, std::string, TextHash, std::equal_to<>> statements_;
};

// The address without its password and options, for messages: "postgresql://vodlift@db1:5432/vodlift". Nothing: it is
// no URL of PostgreSQL.
std::optional<std::string> shown_url(const Secret& url);
// Whether the URL itself has a password; one of a file or of the environment does not count.
bool has_password(const Secret& url);

}  // namespace vodlift::postgres
