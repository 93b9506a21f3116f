// A set whose members are visited a few at a time, so that a visit to all of them does not hold up other work.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace vodlift::net {

// Members are shared. T has a member `std::size_t set_index`, which only the set uses. Each operation but a step costs
// O(1). Not synchronised.
template <class T>
class SteppedSet {
 public:
  [[nodiscard]] bool empty() const { return members_.empty(); }
  [[nodiscard]] std::vector<std::shared_ptr<T>> snapshot() const { return members_; }

  // `member` must be in no set. A round under way visits it too.
  void add(std::shared_ptr<T> member) {
    member->set_index = members_.size();
    members_.push_back(std::move(member));
  }

  // `member` must be in this set. May be called by a visit, of any member. Returns the set's hold on it.
  std::shared_ptr<T> remove(const T& member) {
    std::size_t hole = member.set_index;
    std::shared_ptr<T> removed = std::move(members_[hole]);
    if (hole < next_) {
      // Visited members stay before next_ and the others behind it, so a round misses none.
      move(--next_, hole);
      hole = next_;
    }
    move(members_.size() - 1, hole);
    members_.pop_back();
    return removed;
  }

  // Calls `visit` (T& to int) for the next members of the round, until what it returned adds up to `budget` or more.
  // True at the end of the round, of which each member that stayed was visited once; the next step begins another.
  template <class Visit>
  bool step(int budget, Visit visit) {
    while (next_ < members_.size() && budget > 0) {
      const std::shared_ptr<T> member = members_[next_++];  // it may leave the set during its visit
      budget -= visit(*member);
    }
    if (next_ < members_.size()) return false;
    next_ = 0;
    return true;
  }

 private:
  void move(std::size_t from, std::size_t to) {
    if (from == to) return;
    members_[to] = std::move(members_[from]);
    members_[to]->set_index = to;
  }

  std::vector<std::shared_ptr<T>> members_;
  std::size_t next_ = 0;  // those before it were visited in this round
};

}  // namespace vodlift::net
