// `vodlift import`: accounts, keys and buckets of a file, as far as they are not there yet.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "base/file.h"
#include "cli/import_file.h"
#include "cli/session.h"
#include "cli/text.h"

namespace vodlift::cli {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::size_t kMaxFileBytes = std::size_t{32} * 1024 * 1024;
constexpr std::size_t kPageBytes = std::size_t{64} * 1024;  // of one request; half of what the server takes
constexpr std::size_t kPageRows = 500;
constexpr std::size_t kMaxShownFaults = 50;

// A request's rows. Those in front that are of another page are there because others need them.
struct ImportPage {
  std::vector<const ImportRow*> rows;
  std::size_t needed = 0;  // so many are of another page
};

std::int64_t cdn_of(const ImportRow& row) {
  const value* cdn = row.fields.if_contains("cdn");
  return cdn != nullptr && cdn->is_int64() ? cdn->get_int64() : 0;
}

bool is_account(const ImportRow& row) { return row.fields.at("kind").as_string() == "account"; }

// Cuts the rows, accounts first, into pages, so that each has the accounts that its keys and buckets are of.
std::vector<ImportPage> pages_of(const std::vector<ImportRow>& rows) {
  std::map<std::int64_t, const ImportRow*> accounts;
  std::vector<ImportPage> pages;
  std::vector<const ImportRow*> own;
  std::map<std::int64_t, const ImportRow*> needed;
  std::size_t bytes = 0;
  const auto finish = [&] {
    if (own.empty()) return;
    ImportPage& page = pages.emplace_back();
    for (const auto& [cdn, row] : needed) page.rows.push_back(row);
    page.needed = page.rows.size();
    page.rows.insert(page.rows.end(), own.begin(), own.end());
    own.clear();
    needed.clear();
    bytes = 0;
  };
  bool had_accounts = false;
  for (const ImportRow& row : rows) {
    if (is_account(row)) {
      accounts[cdn_of(row)] = &row;
      had_accounts = true;
    } else if (std::exchange(had_accounts, false)) {
      finish();
    }
    own.push_back(&row);
    bytes += boost::json::serialize(row.fields).size() + 1;
    const auto account = is_account(row) ? accounts.end() : accounts.find(cdn_of(row));
    if (account != accounts.end() && needed.insert(*account).second) {
      bytes += boost::json::serialize(account->second->fields).size() + 1;
    }
    if (own.size() + needed.size() >= kPageRows || bytes >= kPageBytes) finish();
  }
  finish();
  return pages;
}

// What became of all rows.
class ImportRun {
 public:
  ImportRun(Session& session, std::vector<ImportPage> pages) : session_(session), pages_(std::move(pages)) {}

  // Sends all pages; those that are to be stored, until one has a fault. Errors: the server's.
  Result<> send(bool dry_run) {
    counts_.clear();
    unchanged_ = 0;
    for (const ImportPage& page : pages_) {
      if (!dry_run && !faults_.empty()) break;
      boost::json::array rows;
      for (const ImportRow* row : page.rows) rows.push_back(row->fields);
      const auto answer = session_.call({"POST", "/imports", {{"rows", std::move(rows)}, {"dry_run", dry_run}}});
      if (!answer) return answer.error();
      note(page, *answer);
    }
    return {};
  }

  [[nodiscard]] const std::vector<std::string>& faults() const { return faults_; }
  [[nodiscard]] std::size_t unchanged() const { return unchanged_; }
  [[nodiscard]] std::size_t added(const std::string& kind) const {
    const auto found = counts_.find(kind);
    return found == counts_.end() ? 0 : found->second;
  }
  [[nodiscard]] std::size_t added() const { return added("account") + added("key") + added("bucket"); }

 private:
  void note(const ImportPage& page, const value& answer) {
    const auto& outcomes = answer.at("outcomes").as_array();
    for (std::size_t at = page.needed; at < page.rows.size(); ++at) {
      if (outcomes.at(at).as_string() == "added") ++counts_[page.rows[at]->fields.at("kind").as_string().c_str()];
      if (outcomes.at(at).as_string() == "unchanged") ++unchanged_;
    }
    for (const value& fault : answer.at("faults").as_array()) {
      const auto row = static_cast<std::size_t>(integer_at(fault, "row"));
      if (row < page.needed) continue;  // its own page says it
      faults_.push_back(fmt::format("{}: {}", page.rows.at(row)->place, text_at(fault, "detail")));
    }
  }

  Session& session_;
  const std::vector<ImportPage> pages_;
  std::map<std::string, std::size_t> counts_;
  std::size_t unchanged_ = 0;
  std::vector<std::string> faults_;
};

struct ImportOptions {
  std::string file;
  bool dry_run = false;
};

constexpr std::string_view kNothingDone = "nothing was imported";
constexpr std::string_view kStopped = "the import stopped; what was added stays, so mend the file and run it again";

int fail_with(const Session& session, const std::vector<std::string>& faults, std::string_view so) {
  std::string text = fmt::format("{} fault{}, and {}:", faults.size(), faults.size() == 1 ? "" : "s", so);
  for (const std::string& fault : faults) {
    if (&fault - faults.data() == static_cast<std::ptrdiff_t>(kMaxShownFaults)) {
      text += "\n  …";
      break;
    }
    text += "\n  " + printable(fault, 1000);
  }
  return session.fail({Errc::invalid_value, text});
}

void warn_of_mode(const Session& session, const ImportOptions& options, const std::vector<ImportRow>& rows) {
  struct stat status {};
  const bool wide = ::stat(options.file.c_str(), &status) == 0 && (status.st_mode & 077U) != 0;
  if (!wide || session.quiet() || std::ranges::none_of(rows, has_secret)) return;
  fmt::print(stderr, "{} others may read {}, which holds secrets; chmod 600 it, and delete it when it is imported\n",
             colored("warning:", Color::yellow, STDERR_FILENO), printable(options.file, 1000));
}

std::string show_import(const ImportRun& run, bool dry_run) {
  if (run.added() == 0) return fmt::format("nothing to import: all {} rows are there already\n", run.unchanged());
  std::string text;
  for (const auto& [kind, noun] :
       {std::pair("account", "account"), std::pair("key", "API key"), std::pair("bucket", "bucket")}) {
    const std::size_t count = run.added(kind);
    if (count > 0) text += fmt::format("{}{} {}{}", text.empty() ? "" : ", ", count, noun, count == 1 ? "" : "s");
  }
  text += dry_run ? " would be added" : " added";
  if (run.unchanged() > 0) text += fmt::format("; {} rows are there already", run.unchanged());
  text += "\n";
  if (!dry_run && run.added("account") > 0) {
    text += "New accounts have new webhook secrets; show one with: vodlift account rotate --cdn NUMBER --overlap 0\n";
  }
  return text;
}

int run_import(Session& session, const ImportOptions& options) {
  auto text = read_small_file(options.file, kMaxFileBytes);
  if (!text) return session.fail(text.error());
  const auto file = parse_import(*text);
  if (!file) return session.fail(file.error());
  warn_of_mode(session, options, file->rows);
  if (!file->faults.empty()) return fail_with(session, file->faults, kNothingDone);
  ImportRun run(session, pages_of(file->rows));
  // All of it before the first row is stored.
  if (auto tried = run.send(true); !tried) return session.fail(tried.error());
  if (!run.faults().empty()) return fail_with(session, run.faults(), kNothingDone);
  if (!options.dry_run && run.added() > 0) {
    if (auto done = run.send(false); !done) {
      return session.fail(with_context("the import stopped; what was added stays, run it again", done.error()));
    }
    // Somebody has changed accounts meanwhile.
    if (!run.faults().empty()) return fail_with(session, run.faults(), kStopped);
  }
  if (session.json()) {
    print(boost::json::serialize(object{{"dry_run", options.dry_run},
                                        {"accounts", run.added("account")},
                                        {"keys", run.added("key")},
                                        {"buckets", run.added("bucket")},
                                        {"unchanged", run.unchanged()}}) +
          "\n");
  } else {
    session.say(show_import(run, options.dry_run));
  }
  return kDone;
}

}  // namespace

void add_import_command(CLI::App& app, Session& session) {
  auto options = std::make_shared<ImportOptions>();
  CLI::App* command =
      app.add_subcommand("import", "Add accounts, keys and buckets of a CSV or JSON file that are missing");
  command->add_option("file", options->file, "The file; docs/import.md describes it")->type_name("FILE")->required();
  command->add_flag("--dry-run", options->dry_run, "Add nothing; say what would be added, and every fault");
  session.attach(*command, [&session, options] { return run_import(session, *options); });
}

}  // namespace vodlift::cli
