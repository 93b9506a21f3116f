// Accounts, keys and buckets from elsewhere, many in one request: all of them, or none.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "base/log.h"
#include "rest/imports.h"
#include "rest/uploads.h"

namespace vodlift::rest {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::int64_t kMaxImportRows = 1000;

struct ImportFault {
  std::size_t row = 0;
  Error why;
};

// What a request asks for, judged row by row. Rows see those before them.
class Import {
 public:
  explicit Import(const Context& context) : context_(context) {}

  void add(const object& row) {
    outcomes_.emplace_back("unchanged");
    if (auto judged = judge(row); !judged) {
      outcomes_.back() = "refused";
      faults_.push_back({outcomes_.size() - 1, judged.error()});
    }
  }

  [[nodiscard]] bool is_good() const { return faults_.empty(); }
  [[nodiscard]] const AccountRows& rows() const { return rows_; }

  [[nodiscard]] object json(const Caller& caller) const {
    boost::json::array faults;
    for (const ImportFault& fault : faults_) {
      const std::string detail = caller.is_operator() ? fault.why.for_operator() : fault.why.message;
      faults.push_back(object{{"row", fault.row}, {"code", info(fault.why.code).name}, {"detail", detail}});
    }
    return {{"outcomes", boost::json::array(outcomes_.begin(), outcomes_.end())}, {"faults", std::move(faults)}};
  }

 private:
  Result<> judge(const object& row) {
    object fields = row;
    const std::string kind = text_in(fields, "kind");
    fields.erase("kind");
    if (kind == "account") return judge_account(fields);
    if (kind == "key") return judge_key(fields);
    if (kind == "bucket") return judge_bucket(fields);
    return Error{Errc::invalid_value, "kind: must be account, key or bucket"};
  }

  // A row that is there already must be alike: an import changes nothing.
  template <class Row>
  Result<> take(const Row* stored, Row row, std::vector<Row>& rows, std::string_view what) {
    if (stored == nullptr) {
      rows.push_back(std::move(row));
      outcomes_.back() = "added";
      return {};
    }
    // It would be gone some time after the import has said that it is there.
    if (stored->removing) return Error{Errc::wrong_state, fmt::format("{} is being removed", what)};
    const auto names = differing(*stored, row);
    if (names.empty()) return {};
    return Error{Errc::already_exists,
                 fmt::format("{} is there already, with another {}; an import changes nothing that is there", what,
                             fmt::join(names, ", "))};
  }

  Result<> judge_account(const object& given) {
    const auto fields = Fields::read(account_fields(), given, door::Dialect::strict);
    if (!fields) return fields.error();
    auto account = new_account(context_, *fields);
    if (!account) return account.error();
    const auto known = context_.accounts.find_account(account->cdn);
    const auto own = std::ranges::find(rows_.accounts, account->cdn, &Account::cdn);
    const Account* stored = known ? known.get() : own != rows_.accounts.end() ? &*own : nullptr;
    if (stored == nullptr) {
      if (const auto other = cdn_of_user(account->user)) return user_exists(account->user, *other);
    }
    if (stored == nullptr) users().emplace(account->user, account->cdn);
    const AccountId cdn = account->cdn;
    return take(stored, std::move(*account), rows_.accounts, fmt::format("account {}", cdn));
  }

  std::optional<AccountId> cdn_of_user(const std::string& user) {
    const auto found = users().find(user);
    return found == users().end() ? std::nullopt : std::optional(found->second);
  }

  // The users of all accounts, those of this import too. Gathered once, where an account is to be added.
  std::map<std::string, AccountId>& users() {
    if (!users_) {
      users_.emplace();
      for (const auto& account : context_.accounts.accounts()) users_->emplace(account->user, account->cdn);
    }
    return *users_;
  }

  // The user of the account that a key or a bucket is of.
  Result<std::string> user_of(AccountId cdn) const {
    if (const auto own = std::ranges::find(rows_.accounts, cdn, &Account::cdn); own != rows_.accounts.end()) {
      return own->user;
    }
    const auto account = existing_account(context_, cdn);
    if (!account) return account.error();
    if ((*account)->removing) return being_removed({RemovableKind::account, cdn});
    return (*account)->user;
  }

  Result<> judge_key(const object& given) {
    const auto fields = Fields::read(key_fields(), given, door::Dialect::strict);
    if (!fields) return fields.error();
    const auto user = user_of(fields->number("cdn"));
    if (!user) return user.error();
    auto key = new_key(context_, *fields, *user);
    if (!key) return key.error();
    const auto known = context_.accounts.find_key(key->api_key);
    const auto own = std::ranges::find(rows_.keys, key->api_key, &ApiKey::api_key);
    const ApiKey* stored = known ? known.get() : own != rows_.keys.end() ? &*own : nullptr;
    const std::string what = "API key " + printable(key->api_key, 128);
    return take(stored, std::move(*key), rows_.keys, what);
  }

  Result<> judge_bucket(const object& given) {
    const auto fields = Fields::read(bucket_fields(), given, door::Dialect::strict);
    if (!fields) return fields.error();
    if (const auto user = user_of(fields->number("cdn")); !user) return user.error();
    auto bucket = new_bucket(context_, *fields);
    if (!bucket) return bucket.error();
    const auto known = context_.accounts.find_bucket(bucket->cdn, bucket->bucket);
    const auto is_same = [&](const BucketAccess& one) {
      return one.cdn == bucket->cdn && one.bucket == bucket->bucket;
    };
    const auto own = std::ranges::find_if(rows_.buckets, is_same);
    const BucketAccess* stored = known ? known.get() : own != rows_.buckets.end() ? &*own : nullptr;
    const std::string what = to_text(Removable{RemovableKind::bucket, bucket->cdn, bucket->bucket});
    return take(stored, std::move(*bucket), rows_.buckets, what);
  }

  const Context& context_;
  std::optional<std::map<std::string, AccountId>> users_;
  AccountRows rows_;
  std::vector<std::string> outcomes_;
  std::vector<ImportFault> faults_;
};

// One line for each row, as if it had been added alone.
void audit_rows(const Context& context, const Caller& caller, const AccountRows& rows) {
  AuditEntry entry;
  entry.door = "import";
  entry.who = caller.who.name;
  entry.token = caller.who.label;
  const auto record = [&](std::string_view command, AccountId cdn, std::string_view name, const std::string& text) {
    entry.command = command;
    entry.cdn = cdn;
    entry.what = {{name, text}};
    context.audit.record(entry);
  };
  for (const Account& one : rows.accounts) record("account.add", one.cdn, "user", one.user);
  for (const ApiKey& one : rows.keys) record("key.add", one.cdn, "api_key", one.api_key);
  for (const BucketAccess& one : rows.buckets) record("bucket.add", one.cdn, "bucket", one.bucket);
}

Result<value> run_import(const Context& context, const Caller& caller, const Fields& fields) {
  Import wish(context);
  for (const object* row : fields.objects("rows")) wish.add(*row);
  const bool dry_run = fields.flag("dry_run");
  const AccountRows& rows = wish.rows();
  const std::int64_t added = std::ssize(rows.accounts) + std::ssize(rows.keys) + std::ssize(rows.buckets);
  if (!dry_run && wish.is_good() && added > 0) {
    if (auto done = context.accounts.add_all(rows); !done) return done.error();
    audit_rows(context, caller, rows);
    log::info("rows were imported", {{"accounts", std::ssize(rows.accounts)},
                                     {"keys", std::ssize(rows.keys)},
                                     {"buckets", std::ssize(rows.buckets)}});
  }
  object answer = wish.json(caller);
  answer["dry_run"] = dry_run;
  answer["added"] = !dry_run && wish.is_good() ? added : 0;
  return value(std::move(answer));
}

constexpr std::array kImportFields = {
    FieldSpec{.name = "rows", .type = FieldType::objects, .required = true, .high = kMaxImportRows},
    FieldSpec{.name = "dry_run", .type = FieldType::flag},
};

constexpr std::array kImportRoutes = {
    Route{.name = "import.run",
          .act = Act::manage_accounts,
          .method = "POST",
          .path = "/imports",
          .fields = kImportFields,
          .mutating = true,
          .audited_answer = "added",
          .run = run_at_once<run_import>},
};

}  // namespace

std::vector<std::string> differing_members(const object& one, const object& other,
                                           std::initializer_list<std::string_view> besides) {
  std::vector<std::string> names;
  for (const auto& [name, member] : one) {
    if (std::ranges::find(besides, std::string_view(name)) != besides.end()) continue;
    if (member != other.at(name)) names.emplace_back(name);
  }
  return names;
}

std::span<const Route> import_routes() { return kImportRoutes; }

}  // namespace vodlift::rest
