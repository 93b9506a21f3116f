#include "core/search_page.h"

#include <algorithm>

#include "core/store_rules.h"

namespace vodlift {
namespace {

constexpr int kMostLookedAt = 2000;

}  // namespace

SearchPage::SearchPage(const UploadSearch& search)
    : filter_(search.filter),
      limit_(static_cast<std::size_t>(std::clamp(search.limit, 1, kMaxFound))),
      look_at_(std::clamp(search.look_at, 1, kMostLookedAt)) {}

bool SearchPage::look(const Upload& upload) {
  if (looked_at_++ == look_at_) {
    page_.next = last_;
    page_.searched_to = last_created_;
    return false;
  }
  last_ = upload.id;
  last_created_ = upload.created;
  if (filter_.created_since && upload.created < *filter_.created_since - kClockSetBack) return false;
  if (!filter_.holds(upload)) return true;
  if (ids_.size() == limit_) {
    page_.next = ids_.back();
    return false;
  }
  ids_.push_back(upload.id);
  return true;
}

}  // namespace vodlift
