#include "postgres/pg_connection.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <utility>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/text.h"
#include "postgres/pg_failure.h"

namespace vodlift::postgres {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Plans use our indexes from the first row on, whatever the statistics say; tests hold them.
std::string session_settings() {
  return fmt::format(
      "SET statement_timeout = {}; SET lock_timeout = {}; SET idle_in_transaction_session_timeout = {};"
      "SET search_path = vodlift, pg_catalog; SET client_min_messages = warning;"
      "SET plan_cache_mode = force_generic_plan; SET jit = off; SET enable_seqscan = off; SET enable_hashjoin = off;"
      "SET enable_mergejoin = off; SET enable_bitmapscan = off",
      kStatementTimeout.count(), kLockTimeout.count(), kIdleTimeout.count());
}

// In microseconds.
constexpr const char* kServerStarted = "SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint";

// How often a connection that waits looks whether its server was replaced.
constexpr milliseconds kLook{200};

std::int64_t random_lane() {
  std::int64_t lane = 0;
  for (const char byte : random_bytes(8)) lane = (lane << 8) | static_cast<unsigned char>(byte);
  return lane & 0x7fffffffffffffff;
}

// libpq's messages end with a line break, and may have several lines.
std::string one_line(std::string_view message) { return printable(trimmed(message, " \t\r\n"), 1024); }

// What the URL says; null: it cannot be understood.
using UrlOptions = std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)>;
UrlOptions options_of_url(const Secret& url) {
  char* failed = nullptr;
  UrlOptions options(PQconninfoParse(std::string(url.reveal()).c_str(), &failed), PQconninfoFree);
  PQfreemem(failed);
  return options;
}

std::string url_value(const UrlOptions& options, std::string_view keyword) {
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (keyword == option->keyword) return option->val == nullptr ? "" : option->val;
  }
  return {};
}

std::vector<std::string> parts_of(const std::string& list) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    parts.push_back(list.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

// A list of the URL with as many values as there are hosts, from that one on.
std::string list_from(const std::string& list, std::size_t first) {
  std::vector<std::string> parts = parts_of(list);
  std::rotate(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(first % parts.size()), parts.end());
  return fmt::format("{}", fmt::join(parts, ","));
}

// A password with an "@" or a "/" of its own ends there, and its rest is taken for a host, a port or a name.
bool has_torn_password(const UrlOptions& options) {
  for (const char* const keyword : {"host", "hostaddr", "dbname"}) {
    if (url_value(options, keyword).find('@') != std::string::npos) return true;
  }
  return url_value(options, "port").find_first_not_of("0123456789,") != std::string::npos;
}

std::string_view field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? std::string_view() : std::string_view(text);
}

}  // namespace

std::optional<std::string> shown_url(const Secret& url) {
  const UrlOptions options = options_of_url(url);
  if (!options || has_torn_password(options)) return std::nullopt;
  std::string shown = "postgresql://";
  if (const std::string user = url_value(options, "user"); !user.empty()) shown += user + "@";
  shown += url_value(options, "host");
  const std::string port = url_value(options, "port");  // of several hosts without one: ",,"
  if (port.find_first_not_of(',') != std::string::npos) shown += ":" + port;
  return printable(shown + "/" + url_value(options, "dbname"));
}

bool has_password(const Secret& url) {
  const UrlOptions options = options_of_url(url);
  return options && !(url_value(options, "password") + url_value(options, "sslpassword")).empty();
}

Result<std::unique_ptr<PgConnection>> PgConnection::open(const Secret& url, PgServers* servers) {
  const auto shown = shown_url(url);
  if (!shown) {
    return Error{Errc::config_invalid,
                 "[store] url cannot be understood: give postgresql://USER:PASSWORD@HOST:PORT/DATABASE"};
  }
  const std::string url_text(url.reveal());
  const std::string patience = std::to_string(kConnectTimeout.count());
  // A host that does not answer is asked last the next time.
  const UrlOptions options = options_of_url(url);
  const std::size_t first = servers == nullptr ? 0 : servers->first.load();
  const std::string host = list_from(url_value(options, "host"), first);
  const std::string address = list_from(url_value(options, "hostaddr"), first);
  const std::string port = list_from(url_value(options, "port"), first);
  // Keepalives and the user timeout end a connection whose peer is gone; reads and writes are for the primary only.
  // What comes after the URL counts instead of what is in it, unless it is empty.
  const char* const keywords[] = {"target_session_attrs",
                                  "keepalives_idle",
                                  "keepalives_interval",
                                  "keepalives_count",
                                  "tcp_user_timeout",
                                  "connect_timeout",
                                  "application_name",
                                  "dbname",
                                  "host",
                                  "hostaddr",
                                  "port",
                                  "client_encoding",
                                  nullptr};
  const char* const values[] = {"read-write", "5",
                                "2",          "3",
                                "15000",      patience.c_str(),
                                "vodlift",    url_text.c_str(),
                                host.c_str(), address.c_str(),
                                port.c_str(), "UTF8",
                                nullptr};
  std::unique_ptr<PgConnection> connection(new PgConnection(PQconnectdbParams(keywords, values, 1), servers));
  if (PQstatus(connection->handle_) != CONNECTION_OK) {
    if (servers != nullptr) ++servers->first;
    return Error{Errc::store_failed, "the database cannot be reached",
                 fmt::format("{}: {}", *shown, one_line(PQerrorMessage(connection->handle_)))};
  }
  const auto started = connection->execute(session_settings() + ";" + kServerStarted);
  if (auto failure = connection->take_failure()) return failure->error;
  if (started) std::from_chars(started->data(), started->data() + started->size(), connection->server_);
  if (servers != nullptr) {
    servers->newest = connection->server_;
    const std::vector<std::string> asked = parts_of(host.empty() ? address : host);
    const auto found = std::find(asked.begin(), asked.end(), PQhost(connection->handle_));
    if (found != asked.end()) servers->first = first + static_cast<std::size_t>(found - asked.begin());
  }
  return connection;
}

PgConnection::PgConnection(pg_conn* handle, PgServers* servers)
    : handle_(handle), servers_(servers), lane_(random_lane()) {
  PQsetNoticeReceiver(handle_, on_notice, this);
}

PgConnection::~PgConnection() { PQfinish(handle_); }

// A commit that is not waited for by a standby is a success with a warning: the only one that matters here.
void PgConnection::on_notice(void* self, const pg_result* notice) {
  const std::string_view severity = field(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
  if (severity == "WARNING") static_cast<PgConnection*>(self)->warned_ = true;
}

bool PgConnection::is_replaced() const { return server_ != 0 && servers_ != nullptr && servers_->newest != server_; }

bool PgConnection::is_lost() const { return lost_ || PQstatus(handle_) != CONNECTION_OK || is_replaced(); }

std::optional<PgFailure> PgConnection::take_failure() { return std::exchange(failure_, std::nullopt); }

void PgConnection::fail(std::string message) {
  if (!failed()) failure_ = PgFailure{{Errc::store_corrupt, "database: " + message}, false};
}

void PgConnection::lose(const std::string& message) {
  lost_ = true;
  if (!failed()) failure_ = PgFailure{{Errc::store_failed, "the connection to the database was lost", message}, true};
}

void PgConnection::lose_unanswered() {
  if (is_replaced()) {
    lose("another server takes changes now");
  } else {
    lose(PQstatus(handle_) == CONNECTION_OK ? "it does not answer" : one_line(PQerrorMessage(handle_)));
  }
}

bool PgConnection::wait_for_answer(SteadyTime until) {
  while (PQisBusy(handle_) != 0) {
    auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now()).count();
    if (left <= 0 || is_replaced()) return false;
    if (servers_ != nullptr) left = std::min(left, kLook.count());
    pollfd socket{PQsocket(handle_), POLLIN, 0};
    const int flushed = PQflush(handle_);
    if (flushed > 0) socket.events |= POLLOUT;
    if (flushed < 0 || (::poll(&socket, 1, static_cast<int>(left)) < 0 && errno != EINTR)) return false;
    if ((socket.revents & (POLLIN | POLLERR | POLLHUP)) != 0 && PQconsumeInput(handle_) == 0) return false;
  }
  return true;
}

PgConnection::Answer PgConnection::receive(milliseconds patience) {
  const SteadyTime until = steady_clock::now() + patience;
  Answer last(nullptr, PQclear);
  for (;;) {
    if (!wait_for_answer(until)) {
      lose_unanswered();
      return {nullptr, PQclear};
    }
    PGresult* next = PQgetResult(handle_);
    if (next == nullptr) break;
    const bool failed_already = last && PQresultStatus(last.get()) == PGRES_FATAL_ERROR;
    if (failed_already) {
      PQclear(next);
    } else {
      last.reset(next);
    }
  }
  if (!last) lose(one_line(PQerrorMessage(handle_)));
  return last;
}

bool PgConnection::check(const pg_result* answer) {
  if (answer == nullptr) return false;  // lose() was called
  const ExecStatusType status = PQresultStatus(answer);
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) return true;
  const std::string_view sqlstate = field(answer, PG_DIAG_SQLSTATE);
  if (sqlstate.empty()) {  // libpq's own: the connection
    lose(one_line(PQresultErrorMessage(answer)));
    return false;
  }
  if (ends_session(sqlstate)) lost_ = true;
  if (!failed()) failure_ = failure_of(sqlstate, one_line(field(answer, PG_DIAG_MESSAGE_PRIMARY)));
  return false;
}

std::optional<std::string> PgConnection::prepared(std::string_view sql, const PgValues& values) {
  if (const auto known = statements_.find(sql); known != statements_.end()) return known->second;
  std::string name = fmt::format("s{}", statements_.size() + 1);
  const std::string text(sql);
  if (PQsendPrepare(handle_, name.c_str(), text.c_str(), values.count(), values.types()) == 0) {
    lose(one_line(PQerrorMessage(handle_)));
    return std::nullopt;
  }
  if (!check(receive(patience_).get())) return std::nullopt;
  statements_.emplace(text, name);
  return name;
}

PgResult PgConnection::run_one(PgCall call) {
  if (failed()) return PgResult(nullptr);
  if (!first_.empty()) {
    std::vector<PgCall> one;
    one.push_back(std::move(call));
    return std::move(run_together(one).front());
  }
  const auto name = prepared(call.sql, call.values);
  if (!name) return PgResult(nullptr);
  if (!send(*name, call.values)) return PgResult(nullptr);
  Answer answer = receive(patience_);
  return PgResult(check(answer.get()) ? answer.release() : nullptr);
}

void PgConnection::begin(std::vector<PgCall> calls) {
  first_ = std::move(calls);
  begun_.clear();
}

std::vector<PgResult> PgConnection::begun() {
  if (!first_.empty()) run_together({});
  return std::move(begun_);
}

bool PgConnection::send(const std::string& name, const PgValues& values) {
  const int sent = PQsendQueryPrepared(handle_, name.c_str(), values.count(), values.pointers().data(),
                                       values.lengths(), values.formats(), 1);
  if (sent == 0) lose(one_line(PQerrorMessage(handle_)));
  return sent != 0;
}

std::vector<PgResult> PgConnection::run_together(const std::vector<PgCall>& calls) {
  std::vector<PgResult> results;
  for (Answer& answer : pipeline(calls, patience_)) results.emplace_back(answer.release());
  return results;
}

std::vector<PgConnection::Answer> PgConnection::pipeline(const std::vector<PgCall>& calls, milliseconds patience) {
  const std::vector<PgCall> first = std::exchange(first_, {});
  std::vector<const PgCall*> all;
  for (const auto* const part : {&first, &calls}) {
    for (const PgCall& call : *part) all.push_back(&call);
  }
  std::vector<std::string> names;
  for (const PgCall* const call : all) {
    const auto name = failed() ? std::nullopt : prepared(call->sql, call->values);
    if (!name) break;
    names.push_back(*name);
  }
  std::vector<Answer> answers;
  if (!failed() && PQenterPipelineMode(handle_) != 0) {
    bool sent = true;
    for (std::size_t at = 0; sent && at < all.size(); ++at) sent = send(names[at], all[at]->values);
    if (sent && PQpipelineSync(handle_) != 0) answers = receive_all(patience);
    if (PQexitPipelineMode(handle_) == 0) lose(one_line(PQerrorMessage(handle_)));
  }
  while (answers.size() < all.size()) answers.emplace_back(nullptr, PQclear);
  for (std::size_t at = 0; at < first.size(); ++at) begun_.emplace_back(answers[at].release());
  answers.erase(answers.begin(), answers.begin() + std::ssize(first));
  return answers;
}

std::vector<PgConnection::Answer> PgConnection::receive_all(milliseconds patience) {
  const SteadyTime until = steady_clock::now() + patience;
  std::vector<Answer> answers;
  for (;;) {
    if (!wait_for_answer(until)) {
      lose_unanswered();
      return answers;
    }
    Answer answer(PQgetResult(handle_), PQclear);
    if (!answer) {  // the end of one statement's answers
      if (is_lost()) return answers;
      continue;
    }
    const ExecStatusType status = PQresultStatus(answer.get());
    if (status == PGRES_PIPELINE_SYNC) return answers;
    const bool good = status != PGRES_PIPELINE_ABORTED && check(answer.get());
    answers.emplace_back(good ? answer.release() : nullptr, PQclear);
  }
}

std::optional<std::string> PgConnection::execute(const std::string& sql, milliseconds patience) {
  if (!first_.empty()) run_together({});
  if (failed()) return std::nullopt;
  if (PQsendQuery(handle_, sql.c_str()) == 0) {
    lose(one_line(PQerrorMessage(handle_)));
    return std::nullopt;
  }
  const Answer answer = receive(patience);
  if (!check(answer.get()) || PQntuples(answer.get()) == 0) return std::nullopt;
  return std::string(PQgetvalue(answer.get(), PQntuples(answer.get()) - 1, 0));
}

bool PgConnection::wait_for_news(milliseconds patience, int wake) {
  std::array<pollfd, 2> sources{{{PQsocket(handle_), POLLIN, 0}, {wake, POLLIN, 0}}};
  if (::poll(sources.data(), sources.size(), static_cast<int>(patience.count())) <= 0) return false;
  return (sources[1].revents & POLLIN) != 0;
}

std::vector<std::string> PgConnection::take_news() {
  std::vector<std::string> texts;
  if (PQconsumeInput(handle_) == 0) lost_ = true;
  while (PGnotify* notice = PQnotifies(handle_)) {
    texts.emplace_back(notice->extra);
    PQfreemem(notice);
  }
  return texts;
}

// The time limit of statements would cancel the wait for a standby, and with it what a success means.
Committed PgConnection::commit(std::vector<PgCall> last) {
  if (failed()) return Committed::no;
  warned_ = false;
  last.emplace_back("SET LOCAL statement_timeout = 0");
  last.emplace_back("COMMIT");
  const std::vector<Answer> answers = pipeline(last, kCommitPatience);
  if (failed()) return is_lost() ? Committed::unknown : Committed::no;
  if (std::string_view(PQcmdStatus(answers.back().get())) != "COMMIT") {
    fail("the transaction was rolled back");
    return Committed::no;
  }
  return warned_ ? Committed::unknown : Committed::yes;
}

void PgConnection::roll_back() {
  first_.clear();
  if (is_lost() || PQtransactionStatus(handle_) == PQTRANS_IDLE) return;
  if (PQsendQuery(handle_, "ROLLBACK") == 0 || !receive(patience_)) lost_ = true;
}

}  // namespace vodlift::postgres
