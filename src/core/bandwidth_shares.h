// How the nodes of one database divide a bandwidth limit, or the uploads that an account may run at once: each holds a
// lease of a share of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "core/bandwidth_limit.h"
#include "core/nodes.h"

namespace vodlift {

// A share lasts so long after its last renewal; a node renews once a second. So others have what a dead node held after
// some seconds.
inline constexpr std::chrono::seconds kShareLease{5};
inline constexpr std::int64_t kMostSenders = 10'000;  // that count

// What a node wants of a limit.
struct BandwidthWish {
  BandwidthScope scope;
  std::int64_t limit = 0;    // as the node knows it, >= 1
  std::int64_t rate = 0;     // bytes per second that it could use, 1..limit
  std::int64_t senders = 1;  // requests that share it there, 1..kMostSenders
  bool uploads = false;      // of an account, at once: all rates are numbers of uploads
  std::int64_t least = 0;    // of its uploads so many run: the others may not have these, whatever its share
};

// What another node wants of the same limit, and has of it.
struct HeldShare {
  std::int64_t wish = 0;
  std::int64_t senders = 1;
  std::int64_t rate = 0;
};

// What a node may send now.
struct BandwidthShare {
  BandwidthScope scope;
  std::int64_t rate = 0;  // bytes per second; 0: nothing until others have given back
};

// The share that a node takes, where `others` hold theirs. Each gets what it wants as far as it goes round. What is
// scarce is divided by senders; of uploads, what does not divide goes to those who come first. A share grows only into
// what the others do not hold now, so their sum stays below the limit.
std::int64_t next_share(const BandwidthWish& own, const std::vector<HeldShare>& others);

// Port: the shares of all nodes. Any thread; blocks for the database. Errors of all: store_failed.
class BandwidthShares {
 public:
  BandwidthShares() = default;
  BandwidthShares(const BandwidthShares&) = delete;
  BandwidthShares& operator=(const BandwidthShares&) = delete;
  virtual ~BandwidthShares() = default;

  struct Renewed {
    std::vector<BandwidthShare> shares;  // of the wishes, in their order
    std::int64_t nodes = 1;              // that send files
  };
  // Takes a share by next_share() for each of the wishes, for kShareLease from now on. What the node held besides is
  // given back. Nodes::leave() gives back all.
  virtual Result<Renewed> renew(const NodeTerm& self, const std::vector<BandwidthWish>& wishes) = 0;
};

}  // namespace vodlift
