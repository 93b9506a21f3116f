// Bandwidth limits: one for each scope, kept as they were set.
#include "conformance/store_suite.h"

namespace vodlift::conformance {
namespace {

using Kind = BandwidthScope::Kind;

class BandwidthConformance : public StoreSuite {};

TEST_P(BandwidthConformance, KeepsOneForEachScope) {
  EXPECT_TRUE(limits().list().value().empty());
  BandwidthLimit limit{{Kind::bucket, 158, "videos"}, std::nullopt, {}, "Europe/Paris"};
  limit.windows = {parse_window("Mon-Fri 08:00-18:00 10MB").value(), parse_window("daily 22:00-06:00 none").value()};
  ASSERT_TRUE(limits().put(limit));
  ASSERT_TRUE(limits().put({{Kind::all, 0, ""}, 5'000'000, {}, "UTC"}));
  ASSERT_TRUE(limits().put({{Kind::all, 0, ""}, 7'123'456, {}, "UTC"})) << "in the place of the one before";
  ASSERT_TRUE(limits().put({{Kind::storage, 0, "sestore4"}, 5'000'000, {}, "UTC"}));
  ASSERT_TRUE(limits().put({{Kind::account, 158, ""}, 5'000'000, {}, "UTC"}));
  reopen();
  const auto kept = limits().list().value();
  ASSERT_EQ(kept.size(), 4U);
  for (const BandwidthLimit& one : kept) {
    if (one.scope.kind == Kind::all) {
      EXPECT_EQ(one.rate, ByteRate(7'123'456));
    }
    if (one.scope.kind != Kind::bucket) continue;
    EXPECT_EQ(one.scope, limit.scope);
    EXPECT_EQ(one.rate, std::nullopt);
    EXPECT_EQ(one.time_zone, "Europe/Paris");
    ASSERT_EQ(one.windows.size(), 2U);
    EXPECT_EQ(to_text(one.windows[0]), "Mon-Fri 08:00-18:00 10MB");
    EXPECT_EQ(to_text(one.windows[1]), "daily 22:00-06:00 none");
  }
}

TEST_P(BandwidthConformance, RemovesWhatIsThereOnly) {
  ASSERT_TRUE(limits().put({{Kind::account, 158, ""}, 5'000'000, {}, "UTC"}));
  EXPECT_EQ(limits().remove({Kind::account, 159, ""}).error().code, Errc::not_found);
  EXPECT_EQ(limits().remove({Kind::all, 0, ""}).error().code, Errc::not_found);
  EXPECT_TRUE(limits().remove({Kind::account, 158, ""}));
  EXPECT_TRUE(limits().list().value().empty());
}

VODLIFT_INSTANTIATE_CONFORMANCE(BandwidthConformance);

}  // namespace
}  // namespace vodlift::conformance
