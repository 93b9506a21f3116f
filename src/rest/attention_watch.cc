#include "rest/attention_watch.h"

#include <algorithm>
#include <set>
#include <utility>

namespace vodlift::rest {
namespace {

// Those of `needs` that are not among `others`.
std::vector<Need> without(const std::vector<Need>& needs, const std::vector<Need>& others) {
  std::vector<Need> left;
  std::ranges::copy_if(needs, std::back_inserter(left), [&](const Need& one) {
    return std::ranges::find(others, one.mark, &Need::mark) == others.end();
  });
  return left;
}

}  // namespace

void AttentionWatch::start() {
  loop_.start("attention", [this] {
    while (!loop_.stopping()) {
      look();
      const bool followed = [this] {
        const std::lock_guard lock(mutex_);
        return !followers_.empty();
      }();
      followed ? (void)loop_.wait_for(kLook) : loop_.wait();
    }
  });
}

void AttentionWatch::stop() { loop_.stop(); }

AttentionWatch::Subscription AttentionWatch::follow(NeedView view, Listener listener) {
  const std::lock_guard lock(mutex_);
  const auto at = followers_.insert(followers_.end(), {view, std::move(listener)});
  // The others wait for the look that is due: many streams that begin at once make no more looks.
  if (followers_.size() == 1) loop_.wake();
  return {&*at, [this, at](Follower*) {
            const std::lock_guard ending(mutex_);
            followers_.erase(at);
          }};
}

std::vector<NeedView> AttentionWatch::next_views() {
  const std::lock_guard lock(mutex_);
  std::set<NeedView> views;
  for (const Follower& one : followers_) views.insert(one.view);
  std::vector<NeedView> next(views.begin(), views.end());
  if (next.size() > kMostViews) {
    std::rotate(next.begin(), std::ranges::upper_bound(next, last_), next.end());  // Clang 14 has no ranges::rotate
    next.resize(kMostViews);
    last_ = next.back();
  }
  return next;
}

void AttentionWatch::look() {
  const std::vector<NeedView> views = next_views();
  if (views.empty()) return;
  const auto found = find_(views);
  if (!found) return;
  const std::lock_guard lock(mutex_);
  for (Follower& one : followers_) {
    const auto at = std::ranges::find(views, one.view);
    if (at != views.end()) tell(one, (*found)[static_cast<std::size_t>(at - views.begin())]);
  }
}

void AttentionWatch::tell(Follower& follower, const std::vector<Need>& needs) {
  AttentionNews news{needs, without(needs, follower.known.value_or(std::vector<Need>())), {}};
  if (follower.known) news.ended = without(*follower.known, needs);
  if (follower.known && news.began.empty() && news.ended.empty()) return;
  follower.known = needs;
  follower.listener(news);
}

}  // namespace vodlift::rest
