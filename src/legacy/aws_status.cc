#include "legacy/aws_status.h"

#include <boost/json/array.hpp>
#include <utility>

#include "core/upload_json.h"
#include "legacy/fields.h"

namespace vodlift::legacy {
namespace {

constexpr int kDefaultLimit = 25;
constexpr int kMaxLimit = 100;
// The database walks over all that is skipped.
constexpr std::int64_t kMaxOffset = 1'000'000;

Result<UploadQuery> read_query(const boost::json::object& object) {
  Fields fields(object);
  UploadQuery query;
  query.ids = fields.ids("id", kMaxLimit);
  query.limit = static_cast<int>(fields.number_or("limit", kDefaultLimit, 1, kMaxLimit));
  query.offset = fields.number_or("offset", 0, 0, kMaxOffset);
  fields.refuse_unsupported("state");
  if (auto fault = fields.fault()) return std::move(*fault);
  if (!query.ids.empty()) {
    // Named ids are all meant; paging belongs to the list without names.
    query.limit = kMaxLimit;
    query.offset = 0;
  }
  return query;
}

void answer(const Services& services, AccountId account, const UploadQuery& query, Reply& reply) {
  const auto uploads = services.uploads.find(account, query);
  if (!uploads) return reply.failure(uploads.error());
  if (uploads->empty() && !query.ids.empty()) {
    return reply.failure({Errc::upload_not_found, "no such upload for this account"});
  }
  const WallTime now = services.clock.now();
  boost::json::array list;
  list.reserve(uploads->size());
  for (const Upload& upload : *uploads) list.emplace_back(to_json(upload, now));
  reply.success("Status of uploads, newest first", std::move(list));
}

}  // namespace

void aws_status(const Services& services, const Caller& caller, const boost::json::object& fields,
                const std::shared_ptr<Reply>& reply) {
  auto query = read_query(fields);
  if (!query) return reply->failure(query.error());
  run_blocking(services, reply, [&services, reply, account = caller.account.cdn, query = std::move(*query)] {
    answer(services, account, query, *reply);
  });
}

}  // namespace vodlift::legacy
