// Many uploads in one request: files of one folder, or all of it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <chrono>
#include <future>
#include <optional>
#include <vector>

#include "base/encoding.h"
#include "core/upload_log.h"
#include "core/upload_request.h"
#include "door/file_list.h"
#include "rest/idempotency.h"
#include "rest/uploads.h"

namespace vodlift::rest {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::int64_t kMaxFiles = kMaxListedEntries;  // of one request
constexpr std::int64_t kMaxFolder = 100'000;           // files of a folder, over all requests
constexpr std::chrono::seconds kMaxTime{20};           // then files that were not looked at are refused

// What is asked for, kept while the storage is asked.
struct Wish {
  std::shared_ptr<const Account> account;
  Caller caller;
  UploadRequest common;  // `path` is the folder, `destination_path` what each key begins with
  bool dry_run = false;
  std::int64_t begin = 0;  // so many files were asked for already
};

struct Entry {
  UploadRequest request;
  std::int64_t size = 0;
  UploadId id = 0;                    // 0: none yet
  bool repeated = false;              // the Idempotency-Key got it before
  std::optional<NewUpload> upload{};  // to be inserted
  std::optional<Error> refusal{};
};

// Looks at files one after the other, then queues those that are good.
class Batch {
 public:
  Batch(const Context& context, const Wish& wish)
      : context_(context), wish_(wish), now_(context.clock.now()), began_(std::chrono::steady_clock::now()) {}

  // `name`: the file's path below the folder.
  void add(const std::string& name) {
    Entry& entry = entries_.emplace_back();
    entry.request = wish_.common;
    entry.request.path += "/" + name;
    entry.request.destination_path = key_of(entry.request.path, name);
    if (auto checked = check(entry); !checked) entry.refusal = checked.error();
  }

  Result<> queue() {
    if (wish_.dry_run) return {};
    // All at once, so that they share commits.
    std::vector<std::pair<Entry*, std::future<Result<InsertOutcome>>>> waiting;
    for (Entry& entry : entries_) {
      if (!entry.upload) continue;
      const auto promise = std::make_shared<std::promise<Result<InsertOutcome>>>();
      waiting.emplace_back(&entry, promise->get_future());
      context_.uploads.insert(std::move(*entry.upload),
                              [promise](Result<InsertOutcome> inserted) { promise->set_value(std::move(inserted)); });
    }
    for (auto& [entry, answer] : waiting) {
      const auto inserted = answer.get();
      if (!inserted) {
        entry->refusal = inserted.error();
      } else {
        entry->id = inserted->id;
        entry->repeated = inserted->repeated;
      }
    }
    return compare_repeated();
  }

  [[nodiscard]] object json() const {
    boost::json::array items;
    items.reserve(entries_.size());
    std::int64_t bytes = 0;
    std::int64_t refused = 0;
    for (const Entry& entry : entries_) {
      items.push_back(entry_json(entry));
      entry.refusal ? ++refused : bytes += entry.size;
    }
    return {{"items", std::move(items)},
            {"dry_run", wish_.dry_run},
            {"accepted", std::ssize(entries_) - refused},
            {"bytes", bytes},
            {"refused", refused}};
  }

 private:
  [[nodiscard]] std::string key_of(const std::string& path, const std::string& name) const {
    if (!wish_.common.destination_path.empty()) return wish_.common.destination_path + name;
    const auto source = parse_source_path(path);
    return source ? source->file : name;  // check() refuses it
  }

  // The request's Idempotency-Key, as that of this file.
  [[nodiscard]] std::string idempotency_key_of(const Entry& entry) const {
    if (wish_.caller.idempotency_key.empty()) return {};
    return fmt::format("batch {} {} {}", entry.request.path, entry.request.destination_path,
                       wish_.caller.idempotency_key);
  }

  Result<> check(Entry& entry) const {
    if (std::chrono::steady_clock::now() - began_ > kMaxTime) {
      return Error{Errc::overloaded,
                   fmt::format("path: it was not looked at within {} s; send the request again, with the same "
                               "Idempotency-Key",
                               kMaxTime.count())};
    }
    auto valid = validate(entry.request, wish_.account->user);
    if (!valid) return valid.error();
    entry.request = std::move(*valid);
    const std::string key = idempotency_key_of(entry);
    // First, as for one upload: what is checked next may have gone since the first answer.
    const auto first = find_repeat(context_.uploads, kOperator, key, now_);
    if (!first) return first.error();
    if (*first) {
      entry.id = **first;
      entry.repeated = true;
      return {};
    }
    auto upload = context_.intake.check(*wish_.account, entry.request);
    if (!upload) return upload.error();
    entry.size = upload->size;
    upload->signature = signature_of(key, now_);
    upload->trace = wish_.caller.trace;
    entry.upload = std::move(*upload);
    return {};
  }

  // Refuses what the key got from another request.
  Result<> compare_repeated() {
    UploadQuery query;
    for (const Entry& entry : entries_) {
      if (entry.repeated) query.ids.push_back(entry.id);
    }
    if (query.ids.empty()) return {};
    const auto found = context_.uploads.find(wish_.account->cdn, query);
    if (!found) return found.error();
    for (Entry& entry : entries_) {
      if (!entry.repeated) continue;
      const auto first = std::ranges::find(*found, entry.id, &Upload::id);
      if (first != found->end() && same_request(first->request, entry.request)) {
        entry.size = first->size;
      } else {
        entry.refusal = other_request(entry.id);
      }
    }
    return {};
  }

  [[nodiscard]] object entry_json(const Entry& entry) const {
    object json{{"path", entry.request.path}, {"destination_path", entry.request.destination_path}};
    json["size"] = entry.refusal ? value(nullptr) : value(entry.size);
    json["id"] = entry.refusal || entry.id == 0 ? value(nullptr) : value(entry.id);
    json["problem"] = nullptr;
    if (const auto& why = entry.refusal) {
      const std::string detail = wish_.caller.is_operator() ? why->for_operator() : why->message;
      json["problem"] = object{{"code", info(why->code).name}, {"detail", detail}};
    }
    return json;
  }

  const Context& context_;
  const Wish& wish_;
  const WallTime now_;
  const std::chrono::steady_clock::time_point began_;
  std::vector<Entry> entries_;
};

// Which files the request is about, and what the folder has besides.
struct Page {
  std::vector<std::string> names;  // paths below the folder
  std::int64_t total = 0;
  std::int64_t skipped = 0;
};

void answer_files(const Context& context, const Wish& wish, const Page& page, Reply& reply) {
  Batch batch(context, wish);
  for (const std::string& name : page.names) batch.add(name);
  if (auto queued = batch.queue(); !queued) return reply.failure(queued.error());
  object answer = batch.json();
  const std::int64_t end = wish.begin + kMaxFiles;
  answer["next"] = end < page.total ? value(std::to_string(end)) : value(nullptr);
  answer["total"] = page.total;
  answer["skipped"] = page.skipped;
  reply.success({}, answer);
}

Error too_large(std::string_view folder) {
  return {Errc::invalid_value, fmt::format("path: {} has more files than one request may be about ({}); name the "
                                           "folders below it one by one, or fewer files by filter",
                                           printable(folder, kMaxPathBytes), kMaxFolder)};
}

void add_folder(const Context& context, Wish wish, FileQuery query, const std::shared_ptr<Reply>& reply) {
  query.offset = wish.begin;
  query.limit = static_cast<std::size_t>(kMaxFiles);
  const auto kept = std::make_shared<const Wish>(std::move(wish));
  context.storages.list_files(std::move(query), [reply, &context, kept](const Result<FileList>& found) {
    reply->guard([&] {
      if (!found) return reply->failure(found.error());
      // Nothing of it is queued: half a folder is worse than none.
      if (!found->complete || found->total > kMaxFolder) return reply->failure(too_large(kept->common.path));
      Page page{{}, found->total, found->skipped};
      page.names.reserve(found->files.size());
      for (const ListedFile& file : found->files) page.names.push_back(file.path.substr(kept->common.path.size() + 1));
      // This is the storage's thread, and what comes next waits for it.
      door::run_on(context.blocking, reply,
                   [reply, &context, kept, page = std::move(page)] { answer_files(context, *kept, page, *reply); });
    });
  });
}

void add_many(const Context& context, const Caller& caller, const Fields& fields, const std::shared_ptr<Reply>& reply) {
  auto account = existing_account(context, fields.number("cdn"));
  if (!account) return reply->failure(account.error());
  auto query = door::read_folder_query(fields);
  if (!query) return reply->failure(query.error());
  const auto begin = read_cursor(fields.text("cursor"));
  if (!begin) return reply->failure(begin.error());
  Wish wish{std::move(*account), caller, door::read_upload_request(fields), fields.flag("dry_run"), *begin};
  if (wish.common.path.ends_with('/')) wish.common.path.pop_back();
  if (!wish.common.options.checksum.empty()) {
    return reply->failure({Errc::invalid_value, "checksum: it is of one file; queue that file alone"});
  }
  if (fields.has("files")) {
    if (fields.flag("recursive") || fields.has("filter") || fields.has("type") || fields.has("cursor")) {
      return reply->failure({Errc::invalid_value, "files: give either these, or recursive, filter, type and cursor"});
    }
    Page page{fields.texts("files")};
    page.total = std::ssize(page.names);
    return answer_files(context, wish, page, *reply);
  }
  if (query->folder.user != wish.account->user) {
    return reply->failure({Errc::source_not_found, fmt::format("path: the account has no folder {}",
                                                               printable(wish.common.path, kMaxPathBytes))});
  }
  query->depth = fields.flag("recursive") ? ListDepth::below : ListDepth::here;
  add_folder(context, std::move(wish), std::move(*query), reply);
}

// Those of one upload, and which files.
std::span<const FieldSpec> batch_fields() {
  static const std::vector<FieldSpec> kFields = [] {
    std::vector<FieldSpec> fields = {kCdn};
    std::ranges::copy(upload_field_specs(), std::back_inserter(fields));
    std::ranges::find(fields, "destination_path", &FieldSpec::name)->required = false;
    std::ranges::copy_if(door::file_list_fields(), std::back_inserter(fields),
                         [](const FieldSpec& spec) { return spec.name == "type" || spec.name == "filter"; });
    fields.push_back({.name = "files", .type = FieldType::texts, .high = kMaxFiles});
    fields.push_back({.name = "recursive", .type = FieldType::flag, .audited = true});
    fields.push_back({.name = "dry_run", .type = FieldType::flag});
    fields.push_back(kCursor);
    return fields;
  }();
  return kFields;
}

}  // namespace

std::span<const Route> upload_batch_routes() {
  static const std::array kRoutes = {
      Route{.name = "upload.add_many",
            .act = Act::change_uploads,
            .method = "POST",
            .path = "/uploads/batch",
            .fields = batch_fields(),
            .mutating = true,
            .repeatable = true,
            .audited_answer = "accepted",
            .run = add_many},
  };
  return kRoutes;
}

}  // namespace vodlift::rest
