#include "app/pools.h"

#include <algorithm>
#include <cstddef>
#include <thread>

namespace vodlift::app {
namespace {

constexpr std::size_t kRequestThreads = 8;
constexpr std::size_t kRequestQueue = 4096;
// Of these threads, one account has fewer than the database has readers, so that it can take neither all of.
constexpr std::size_t kRequestThreadsOfOne = 3;
constexpr std::size_t kAdminThreads = 4;
constexpr std::size_t kAdminQueue = 256;
// Fewer than the database has readers.
constexpr std::size_t kPanelThreads = 3;
constexpr std::size_t kPanelThreadsOfOne = 2;
constexpr std::size_t kPanelQueue = 256;
// Each needs 64 MiB meanwhile (store/argon2_hasher.h); as many as SignIn::Limits has.
constexpr std::size_t kHashesAtOnce = 2;
constexpr std::size_t kSignInQueue = 16;  // two seconds' worth or so
constexpr std::size_t kOutsideThreads = 4;
constexpr std::size_t kOutsideQueue = 16;

double processors() { return std::max(std::thread::hardware_concurrency(), 1U); }

// An account gets an eighth of them for its requests; lists are the dearest.
door::FairPool::Share share_of_account() { return {kRequestThreadsOfOne, 0.125 * processors()}; }

// A caller gets half of them; a batch of files is the dearest request.
door::FairPool::Share share_of_caller() { return {kPanelThreadsOfOne, 0.5 * processors()}; }

}  // namespace

Pools::Pools()
    : requests("requests", kRequestThreads, kRequestQueue),
      fair_requests(requests, share_of_account(), kRequestQueue),
      admin("admin-requests", kAdminThreads, kAdminQueue),
      panel("panel-requests", kPanelThreads, kPanelQueue),
      fair_panel(panel, share_of_caller(), kPanelQueue),
      sign_in("sign-in", kHashesAtOnce, kSignInQueue),
      outside("panel-outside", kOutsideThreads, kOutsideQueue) {}

void Pools::stop() {
  fair_requests.hurry();
  requests.stop();
  sign_in.stop();
  outside.stop();
  fair_panel.hurry();
  panel.stop();
  admin.stop();
}

}  // namespace vodlift::app
