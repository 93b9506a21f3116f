#include "core/upload_search.h"

#include <algorithm>

namespace vodlift {
namespace {

template <class Value>
bool is_one_of(const std::vector<Value>& values, const Value& value) {
  return std::ranges::find(values, value) != values.end();
}

}  // namespace

bool UploadFilter::holds(const Upload& upload) const {
  const UploadRequest& request = upload.request;
  if (account && upload.account != *account) return false;
  if (!states.empty() && !is_one_of(states, upload.state)) return false;
  if (!errors.empty() && (!upload.error || !is_one_of(errors, upload.error->code))) return false;
  if (!bucket.empty() && request.bucket != bucket) return false;
  const bool on_storage = request.path.starts_with(storage) && request.path.substr(storage.size()).starts_with('/');
  if (!storage.empty() && !on_storage) return false;
  if (priority && request.priority != *priority) return false;
  if (created_since && upload.created < *created_since) return false;
  if (created_until && upload.created >= *created_until) return false;
  const bool has_text = text.empty() || request.path.find(text) != std::string::npos ||
                        request.destination_path.find(text) != std::string::npos;
  return has_text && scope.holds(request);
}

std::vector<UploadState> UploadFilter::possible_states() const {
  std::vector<UploadState> possible;
  for (std::size_t at = 0; at < Words<UploadState>::kCount; ++at) {
    const auto state = static_cast<UploadState>(at);
    if (!states.empty() && !is_one_of(states, state)) continue;
    if (!errors.empty() && state == UploadState::completed) continue;
    possible.push_back(state);
  }
  return possible;
}

}  // namespace vodlift
