#include "legacy/aws_status.h"

#include <boost/json/array.hpp>
#include <utility>

#include "core/upload_json.h"

namespace vodlift::legacy {
namespace {

UploadQuery query_of(const Caller& caller, const Fields& fields) {
  UploadQuery query;
  query.scope = caller.scope;
  query.ids = fields.ids("id");
  // Named ids are all meant; paging belongs to the list without names.
  const bool named = !query.ids.empty();
  query.limit = named ? kMaxStatusRows : static_cast<int>(fields.number("limit"));
  query.offset = named ? 0 : fields.number("offset");
  for (const std::string_view word : fields.words("state")) query.states.push_back(upload_state_from(word).value());
  return query;
}

// None of those named is in a state that was asked for. Whether one is there at all tells a second look.
Result<> expect_some(const Services& services, AccountId account, UploadQuery query) {
  query.states.clear();
  const auto uploads = services.uploads.find(account, query);
  if (!uploads) return uploads.error();
  if (uploads->empty()) return Error{Errc::upload_not_found, "no such upload for this account"};
  return {};
}

void answer(const Services& services, AccountId account, const UploadQuery& query, Reply& reply) {
  const auto uploads = services.uploads.find(account, query);
  if (!uploads) return reply.failure(uploads.error());
  if (uploads->empty() && !query.ids.empty()) {
    if (const auto there = expect_some(services, account, query); !there) return reply.failure(there.error());
  }
  const WallTime now = services.clock.now();
  boost::json::array list;
  list.reserve(uploads->size());
  for (const Upload& upload : *uploads) list.emplace_back(to_json(upload, now));
  reply.success("Status of uploads, newest first", std::move(list));
}

}  // namespace

void aws_status(const Services& services, const Caller& caller, const Fields& fields,
                const std::shared_ptr<Reply>& reply) {
  run_blocking(services, reply, [&services, reply, account = caller.account.cdn, query = query_of(caller, fields)] {
    answer(services, account, query, *reply);
  });
}

}  // namespace vodlift::legacy
