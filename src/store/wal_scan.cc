#include "store/wal_scan.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "base/file.h"

namespace vodlift::store {
namespace {

// The format is described at https://www.sqlite.org/fileformat2.html#the_write_ahead_log; all numbers are big-endian.
constexpr std::size_t kHeaderBytes = 32;
constexpr std::size_t kFrameHeaderBytes = 24;
constexpr std::uint32_t kMagic = 0x377f0682;  // the last bit: checksums are of big-endian words
constexpr std::uint32_t kVersion = 3007000;
constexpr std::uint32_t kMinPage = 512;
constexpr std::uint32_t kMaxPage = 65536;

using Bytes = std::span<const unsigned char>;

std::uint32_t big_endian(Bytes bytes, std::size_t at) {
  return std::uint32_t{bytes[at]} << 24U | std::uint32_t{bytes[at + 1]} << 16U | std::uint32_t{bytes[at + 2]} << 8U |
         std::uint32_t{bytes[at + 3]};
}

struct Checksum {
  std::uint32_t first = 0;
  std::uint32_t second = 0;

  static Checksum stored(Bytes bytes, std::size_t at) { return {big_endian(bytes, at), big_endian(bytes, at + 4)}; }
  bool operator==(const Checksum&) const = default;

  // The checksum after `bytes`, whose length is a multiple of 8.
  [[nodiscard]] Checksum over(Bytes bytes, bool big) const {
    Checksum sum = *this;
    for (std::size_t at = 0; at < bytes.size(); at += 8) {
      sum.first += word(bytes, at, big) + sum.second;
      sum.second += word(bytes, at + 4, big) + sum.first;
    }
    return sum;
  }

 private:
  static std::uint32_t word(Bytes bytes, std::size_t at, bool big) {
    const std::uint32_t value = big_endian(bytes, at);
    return big ? value : __builtin_bswap32(value);
  }
};

struct Header {
  bool big = false;
  std::uint32_t page_bytes = 0;
  WalGeneration generation;
  std::uint32_t second_salt = 0;
  Checksum checksum;
};

std::optional<Header> parse_header(Bytes bytes) {
  Header header;
  header.big = (big_endian(bytes, 0) & 1U) != 0;
  header.page_bytes = big_endian(bytes, 8);
  header.generation = {big_endian(bytes, 12), big_endian(bytes, 16)};
  header.second_salt = big_endian(bytes, 20);
  header.checksum = Checksum::stored(bytes, 24);
  const std::uint32_t page = header.page_bytes;
  const bool plausible = (big_endian(bytes, 0) & ~1U) == kMagic && big_endian(bytes, 4) == kVersion &&
                         page >= kMinPage && page <= kMaxPage && (page & (page - 1)) == 0;
  if (!plausible || Checksum().over(bytes.first(24), header.big) != header.checksum) return std::nullopt;
  return header;
}

// Looks at one frame after the other.
class FrameReader {
 public:
  FrameReader(const Header& header, WalState& state) : header_(header), state_(state), before_(header.checksum) {}

  void look(Bytes frame) {
    ++number_;
    const bool ours = big_endian(frame, 8) == header_.generation.salt && big_endian(frame, 12) == header_.second_salt;
    const bool commits = big_endian(frame, 4) != 0;
    const Checksum stored = Checksum::stored(frame, 16);
    const Checksum expected =
        before_.over(frame.first(8), header_.big).over(frame.subspan(kFrameHeaderBytes), header_.big);
    const bool follows = ours && stored == expected;
    if (!follows) whole_ = false;
    if (whole_ && commits) {
      state_.frames = number_;
      state_.end = kHeaderBytes + std::uint64_t{number_} * frame.size();
    }
    // The checksum of a frame includes that of the frame before it, so this one was written after that commit.
    if (!whole_ && follows && after_commit_) state_.broken = true;
    after_commit_ = !whole_ && ours && commits;
    before_ = stored;
  }

 private:
  const Header& header_;
  WalState& state_;
  Checksum before_;
  std::uint32_t number_ = 0;
  bool whole_ = true;          // no frame was bad so far
  bool after_commit_ = false;  // the last frame ends a transaction that SQLite does not find
};

// How many bytes there were, less than asked for at the end of the file only.
Result<std::size_t> read_at(int fd, std::uint64_t at, std::span<unsigned char> into) {
  std::size_t got = 0;
  while (got < into.size()) {
    const ssize_t count = ::pread(fd, into.data() + got, into.size() - got, static_cast<off_t>(at + got));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Error{Errc::io_error, errno_text(errno)};
    if (count == 0) break;
    got += static_cast<std::size_t>(count);
  }
  return got;
}

}  // namespace

bool WalGeneration::precedes(const WalGeneration& other) const {
  const std::uint32_t later = other.number - number;
  return later != 0 && later < (1U << 31U) && other.salt - salt == later;
}

Result<WalState> scan_wal(const std::filesystem::path& log) {
  WalState state;
  const auto unreadable = [&](const std::string& why) {
    return Error{Errc::io_error, fmt::format("{} cannot be read: {}", log.string(), why)};
  };
  const UniqueFd fd(::open(log.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid() && errno == ENOENT) return state;
  struct stat about {};
  if (!fd.valid() || ::fstat(fd.get(), &about) != 0) return unreadable(errno_text(errno));
  state.bytes = static_cast<std::uint64_t>(about.st_size);
  std::array<unsigned char, kHeaderBytes> first{};
  const auto got = read_at(fd.get(), 0, first);
  if (!got) return unreadable(got.error().message);
  const auto header = *got == first.size() ? parse_header(first) : std::nullopt;
  if (!header) return state;
  state.has_header = true;
  state.generation = header->generation;
  FrameReader frames(*header, state);
  const std::size_t frame_bytes = kFrameHeaderBytes + header->page_bytes;
  std::vector<unsigned char> buffer(64 * frame_bytes);
  for (std::uint64_t at = kHeaderBytes;; at += buffer.size()) {
    const auto count = read_at(fd.get(), at, buffer);
    if (!count) return unreadable(count.error().message);
    for (std::size_t i = 0; i + frame_bytes <= *count; i += frame_bytes) {
      frames.look(Bytes(buffer).subspan(i, frame_bytes));
    }
    if (*count < buffer.size()) return state;
  }
}

WalGeneration wal_generation(int log) {
  std::array<unsigned char, kHeaderBytes> first{};
  const auto got = read_at(log, 0, first);
  if (!got || *got < first.size()) return {};
  const auto header = parse_header(first);
  return header ? header->generation : WalGeneration();
}

}  // namespace vodlift::store
