#include <fmt/format.h>

#include <array>
#include <boost/json/array.hpp>
#include <limits>

#include "admin/command.h"
#include "base/encoding.h"
#include "base/log.h"
#include "core/upload_control.h"
#include "core/upload_json.h"

namespace vodlift::admin {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::size_t kMaxIds = 100;
constexpr int kMaxLimit = 100;
constexpr std::size_t kMaxStates = 6;

UploadOptions read_options(Fields& fields, std::string& overwrite) {
  UploadOptions options;
  options.content_type = fields.text_or("content_type", "");
  options.cache_control = fields.text_or("cache_control", "");
  options.content_disposition = fields.text_or("content_disposition", "");
  options.storage_class = fields.text_or("storage_class", "");
  options.tags = fields.texts_by_name("tags");
  options.checksum = fields.text_or("checksum", "");
  overwrite = fields.text_or("overwrite", to_string(options.overwrite));
  return options;
}

void add(const Context& context, Fields& fields, const Reply& reply) {
  const AccountId cdn = read_cdn(fields);
  UploadRequest request;
  request.path = fields.text("path");
  request.destination_path = fields.text("destination_path");
  request.bucket = fields.text("bucket");
  request.metadata = fields.texts_by_name("metadata");
  request.callback = fields.text_or("callback", "");
  request.priority = static_cast<int>(fields.integer_if_given("priority", 0, 9).value_or(request.priority));
  const std::string word = fields.text_or("acl", to_string(Acl::private_acl));
  std::string overwrite_word;
  request.options = read_options(fields, overwrite_word);
  if (auto checked = fields.check(); !checked) return reply(checked.error());
  const auto acl = acl_from(word);
  if (!acl) return reply(Error{Errc::invalid_value, "acl: expected \"private\" or \"public-read\""});
  request.acl = *acl;
  const auto overwrite = overwrite_from(overwrite_word);
  if (!overwrite) return reply(Error{Errc::invalid_value, "overwrite: expected \"replace\", \"keep\" or \"fail\""});
  request.options.overwrite = *overwrite;

  const auto account = context.accounts.find_account(cdn);
  if (!account) {
    return reply(Error{Errc::not_found, fmt::format("there is no account {}; see: vodlift account list", cdn)});
  }
  auto checked = context.intake.check(*account, std::move(request));
  if (!checked) return reply(checked.error());
  context.uploads.insert(std::move(*checked), [reply, cdn](Result<InsertOutcome> inserted) {
    if (!inserted) return reply(inserted.error());
    log::info("upload queued by an operator", {{"cdn", cdn}, {"upload", inserted->id}});
    reply(value(object{{"id", inserted->id}}));
  });
}

// The account that is meant: the one that was named, or the only one there is.
Result<AccountId> pick_account(const Context& context, std::optional<AccountId> cdn) {
  if (cdn) {
    if (context.accounts.find_account(*cdn)) return *cdn;
    return Error{Errc::not_found, fmt::format("there is no account {}; see: vodlift account list", *cdn)};
  }
  const std::vector<Account> accounts = context.accounts.accounts();
  if (accounts.empty()) return Error{Errc::not_found, "there is no account yet; see: vodlift account add --help"};
  if (accounts.size() == 1) return accounts.front().cdn;
  return Error{Errc::missing_field,
               fmt::format("this server has {} accounts: say which one is meant (cdn)", accounts.size())};
}

Result<std::vector<UploadState>> states_of(const std::vector<std::string>& words) {
  std::vector<UploadState> states;
  for (const std::string& word : words) {
    const auto state = upload_state_from(word);
    if (!state) return Error{Errc::invalid_value, fmt::format("states: there is no state \"{}\"", printable(word, 64))};
    states.push_back(*state);
  }
  return states;
}

Result<value> list(const Context& context, Fields& fields) {
  const auto named = read_cdn_if_given(fields);
  UploadQuery query;
  query.ids = fields.integers("ids", kMaxIds);
  const auto limit = fields.integer_if_given("limit", 1, kMaxLimit);
  const auto offset = fields.integer_if_given("offset", 0, std::numeric_limits<std::int64_t>::max());
  const auto words = fields.texts_if_given("states", kMaxStates);
  if (auto checked = fields.check(); !checked) return checked.error();
  if (!query.ids.empty() && (limit || offset)) {
    return Error{Errc::invalid_value, "ids: cannot be combined with limit and offset"};
  }
  auto states = states_of(words.value_or(std::vector<std::string>()));
  if (!states) return states.error();
  query.states = std::move(*states);
  query.limit = static_cast<int>(limit.value_or(query.limit));
  query.offset = offset.value_or(query.offset);

  const auto account = pick_account(context, named);
  if (!account) return account.error();
  const auto uploads = context.uploads.find(*account, query);
  if (!uploads) return uploads.error();
  boost::json::array answer;
  const WallTime now = context.clock.now();
  for (const Upload& upload : *uploads) answer.push_back(to_json(upload, now));
  return value(std::move(answer));
}

template <UploadChange change>
Result<value> carry_out(const Context& context, Fields& fields) {
  const auto named = read_cdn_if_given(fields);
  ChangeRequest request;
  request.change = change;
  request.id = fields.integer("id", 1, std::numeric_limits<std::int64_t>::max());
  if (auto checked = fields.check(); !checked) return checked.error();
  const auto cdn = pick_account(context, named);
  if (!cdn) return cdn.error();
  const auto account = context.accounts.find_account(*cdn);
  if (!account) return Error{Errc::not_found, fmt::format("there is no account {}", *cdn)};
  request.account = *cdn;
  const auto upload = UploadControl(context.uploads, context.intake).carry_out(*account, request);
  if (!upload) return upload.error();
  return value(to_json(*upload, context.clock.now()));
}

constexpr std::array kCommands = {
    Command{"upload.add", add, "cdn,path,destination_path,bucket"},
    Command{"upload.cancel", run_at_once<carry_out<UploadChange::cancel>>, "cdn,id"},
    Command{"upload.pause", run_at_once<carry_out<UploadChange::pause>>, "cdn,id"},
    Command{"upload.resume", run_at_once<carry_out<UploadChange::resume>>, "cdn,id"},
    Command{"upload.retry", run_at_once<carry_out<UploadChange::retry>>, "cdn,id"},
    Command{"upload.list", run_at_once<list>},
};

}  // namespace

std::span<const Command> upload_commands() { return kCommands; }

}  // namespace vodlift::admin
