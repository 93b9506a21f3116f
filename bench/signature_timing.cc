// Whether the time of a refusal reveals anything about the key or the signature: Welch's t over many refusals of two
// kinds in random order, as dudect does it, of all samples and of the fastest nine tenths. The latter sees single
// nanoseconds, and with them how the processor guesses branches; so what is judged is the difference of their means:
// beyond 3 % work was saved, and the program ends with 1. One HMAC that is left out is above 10 %.
//
//   bench_signature_timing [SAMPLES]        400,000 for each comparison unless given
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>
#include <vector>

#include "base/encoding.h"
#include "base/random.h"
#include "core/account_directory.h"
#include "legacy/authentication.h"
#include "legacy/json_request.h"
#include "store/sqlite_account_repository.h"

namespace {

using namespace vodlift;

constexpr double kBound = 0.03;  // of the mean
constexpr double kKept = 0.9;    // of the samples, the fastest: the rest met an interrupt

struct Moments {
  double count = 0, mean = 0, squares = 0;
  void add(double value) {
    const double before = value - mean;
    mean += before / ++count;
    squares += before * (value - mean);
  }
  [[nodiscard]] double variance_of_mean() const { return squares / (count - 1) / count; }
};

struct Sample {
  int kind;
  double ns;
};

double welch_t(const std::vector<Sample>& samples, double below_ns, Moments (&moments)[2]) {
  for (const Sample& sample : samples) {
    if (sample.ns <= below_ns) moments[sample.kind].add(sample.ns);
  }
  return (moments[0].mean - moments[1].mean) / std::sqrt(moments[0].variance_of_mean() + moments[1].variance_of_mean());
}

std::string text_of(std::string_view api_key, std::int64_t now) {
  return fmt::format(R"({{"command":"aws.status","api_key":"{}","timestamp":{},"cdn":158,"note":"{}")", api_key, now,
                     random_hex(16));
}

std::string signed_text(const std::string& text, std::string_view secret, int wrong_byte) {
  Sha256Digest mac = hmac_sha256(bytes_of(secret), bytes_of(text + "}"));
  mac.at(static_cast<std::size_t>(wrong_byte)) ^= 0x01;
  return text + R"(,"signature":")" + to_base64(mac) + "\"}";
}

using Maker = std::function<std::string()>;

class Comparisons {
 public:
  Comparisons(legacy::Authentication& authentication, std::size_t samples)
      : authentication_(authentication), samples_(samples) {}

  // True when neither kind is saved any work.
  bool run(std::string_view what, const Maker& first, const Maker& second) {
    std::mt19937_64 random(std::random_device{}());
    std::vector<Sample> samples;
    samples.reserve(samples_);
    const auto neutral =
        legacy::parse_json_request(signed_text(text_of("NEUTRAL0000000000000000000000001", 0), "x", 0), {}).value();
    for (std::size_t i = 0; i < samples_ + samples_ / 20; ++i) {
      // A new one each time: neither its place in memory nor the branches it takes belong to a kind.
      const int kind = static_cast<int>(random() & 1);
      const auto request = legacy::parse_json_request(kind == 0 ? first() : second(), {}).value();
      // What making it left in the processor is gone after this.
      static_cast<void>(authentication_.judge(neutral, {"192.0.2.7", {}}));
      const auto begin = std::chrono::steady_clock::now();
      const bool good = static_cast<bool>(authentication_.judge(request, {"192.0.2.7", begin}));
      const auto end = std::chrono::steady_clock::now();
      if (good) std::abort();
      // The first twentieth warms up.
      if (i >= samples_ / 20) samples.push_back({kind, std::chrono::duration<double, std::nano>(end - begin).count()});
    }
    return report(what, samples);
  }

 private:
  static bool report(std::string_view what, std::vector<Sample>& samples) {
    std::vector<double> sorted;
    for (const Sample& sample : samples) sorted.push_back(sample.ns);
    const auto cut = sorted.begin() + static_cast<std::ptrdiff_t>(static_cast<double>(sorted.size()) * kKept);
    std::nth_element(sorted.begin(), cut, sorted.end());
    Moments cropped[2];
    Moments whole[2];
    const double t = welch_t(samples, *cut, cropped);
    const double t_whole = welch_t(samples, HUGE_VAL, whole);
    fmt::print("{:44} {:7} samples  {:8.1f} ns {:8.1f} ns  |t| {:5.2f}  (all: {:5.2f})\n", what, samples.size(),
               cropped[0].mean, cropped[1].mean, std::abs(t), std::abs(t_whole));
    return std::abs(cropped[0].mean - cropped[1].mean) < kBound * cropped[0].mean;
  }

  legacy::Authentication& authentication_;
  const std::size_t samples_;
};

ApiKey key_of(std::string api_key, WallTime now) {
  ApiKey key;
  key.cdn = 158;
  key.api_key = std::move(api_key);
  key.secret = Secret(random_hex(32));
  key.created = now;
  return key;
}

int run(const std::filesystem::path& directory, std::size_t samples) {
  const SystemClock clock;
  const WallTime now = clock.now();
  store::SqliteOptions options;
  options.path = directory / "timing.db";
  const auto database = store::SqliteDatabase::open(options, clock).value();
  LocalChangeFeed feed;
  const auto rows =
      store::SqliteAccountRepository::open(*database, feed, Seal(Secret(random_bytes(Seal::kKeyBytes)))).value();
  AccountDirectory accounts(*rows);
  accounts.add_account({158, "jb", make_webhook_secret(), now}).value();
  const ApiKey plain = key_of("PLAIN000000000000000000000000001", now);
  ApiKey rotating = key_of("ROTATING000000000000000000000001", now);
  rotating.previous = PreviousSecret{Secret(random_hex(32)), now + std::chrono::hours(1)};
  accounts.add_key(plain).value();
  accounts.add_key(rotating).value();
  accounts.add_key(key_of("REVOKED0000000000000000000000001", now)).value();
  accounts.revoke_key("REVOKED0000000000000000000000001", now).value();

  KeyUsage usage(accounts);
  legacy::Authentication authentication(accounts, usage, clock, std::chrono::seconds(86400), Rate{});
  Comparisons comparisons(authentication, samples);
  const std::int64_t seconds = to_unix_seconds(now);
  const std::string secret(plain.secret.reveal());
  const auto with = [&](std::string_view api_key, int wrong_byte) {
    return [=] { return signed_text(text_of(api_key, seconds), secret, wrong_byte); };
  };
  const std::string_view known = plain.api_key;
  constexpr std::string_view kUnknown = "UNKNOWN0000000000000000000000001";
  constexpr std::string_view kRevoked = "REVOKED0000000000000000000000001";
  bool alike = comparisons.run("control: the same twice", with(known, 0), with(known, 0));
  alike &= comparisons.run("signature: last byte wrong, first byte wrong", with(known, 31), with(known, 0));
  alike &= comparisons.run("key: unknown, revoked", with(kUnknown, 0), with(kRevoked, 0));
  alike &= comparisons.run("key: known with a wrong signature, unknown", with(known, 0), with(kUnknown, 0));
  alike &= comparisons.run("key: one secret, two", with(known, 0), with(rotating.api_key, 0));
  return alike ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t samples = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 400'000;
  const std::filesystem::path directory =
      std::filesystem::temp_directory_path() / ("vodlift-timing-" + vodlift::random_hex(8));
  std::filesystem::create_directory(directory);
  const int code = run(directory, std::max<std::size_t>(samples, 1000));
  std::filesystem::remove_all(directory);
  return code;
}
