#include "core/callback_history.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace vodlift {
namespace {

constexpr int kMostListed = 100;

}  // namespace

CallbackSearch::CallbackSearch(const CallbackQuery& query)
    : state_(query.state),
      receiver_(to_lower(query.receiver)),
      limit_(static_cast<std::size_t>(std::clamp(query.limit, 1, kMostListed))) {}

bool CallbackSearch::look(std::int64_t id, WallTime created, CallbackState state, std::string_view receiver) {
  if (looked_at_ == kMostCallbacksSearched) {
    next_ = last_;
    searched_to_ = last_created_;
    return false;
  }
  ++looked_at_;
  last_ = id;
  last_created_ = created;
  if (!is_wanted(state, receiver)) return true;
  if (ids_.size() == limit_) {
    next_ = ids_.back();
    return false;
  }
  ids_.push_back(id);
  return true;
}

bool CallbackSearch::is_wanted(CallbackState state, std::string_view receiver) const {
  if (state_ && state != *state_) return false;
  // Without a port: the port follows the last colon, for IPv6 hosts too.
  return receiver_.empty() || receiver == receiver_ || receiver.substr(0, receiver.rfind(':')) == receiver_;
}

Result<> may_send_again(bool under_way) {
  if (!under_way) return {};
  return Error{Errc::wrong_state, "the callback is being delivered now; see how that ends before it is sent again"};
}

Error no_such_callback(std::int64_t id) { return {Errc::not_found, fmt::format("there is no callback {}", id)}; }

Error no_callback_of(UploadId upload) {
  return {Errc::not_found, fmt::format("upload {} has no callback, or has not ended yet", upload)};
}

}  // namespace vodlift
