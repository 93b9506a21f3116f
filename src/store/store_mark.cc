#include "store/store_mark.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <exception>

#include "base/encoding.h"
#include "base/hash.h"

namespace vodlift::store {
namespace {

// The two places lie in different sectors and pages. The file has its size from the beginning: a full disk does not
// keep it from being written.
constexpr std::size_t kPlaceBytes = 4096;
constexpr std::size_t kFileBytes = 2 * kPlaceBytes;
constexpr std::uint64_t kMagic = 0x314b524d54464c56;  // "VLFTMRK1" as bytes

// As it lies in the file; the machines that this is built for are little-endian.
struct Place {
  std::uint64_t magic = kMagic;
  std::uint64_t number = 0;
  std::int64_t database = 0;
  std::int64_t ids_to = 0;
  std::int64_t given = 0;
  std::uint32_t closed = 0;
  std::uint32_t log_number = 0;
  std::uint32_t log_salt = 0;
  std::uint32_t frames = 0;
  std::uint32_t frames_kept = 0;
  std::uint32_t checksum = 0;  // CRC32C of all before it
};
static_assert(sizeof(Place) == 64);

std::uint32_t checksum_of(const Place& place) {
  const std::string_view bytes(reinterpret_cast<const char*>(&place), offsetof(Place, checksum));
  return crc32c(0, bytes_of(bytes));
}

struct Newest {
  std::uint64_t number = 0;
  MarkRecord record;
};

std::optional<Newest> newest_of(std::string_view file) {
  std::optional<Newest> newest;
  for (std::size_t at = 0; at + sizeof(Place) <= file.size(); at += kPlaceBytes) {
    Place place;
    std::memcpy(&place, file.data() + at, sizeof place);
    if (place.magic != kMagic || place.checksum != checksum_of(place)) continue;
    if (newest && newest->number > place.number) continue;
    newest = {place.number,
              {place.database,
               place.ids_to,
               place.given,
               place.closed != 0,
               {place.log_number, place.log_salt},
               place.frames,
               place.frames_kept}};
  }
  return newest;
}

Result<std::optional<Newest>> read_newest(const std::filesystem::path& file) {
  const auto bytes = read_small_file(file, kFileBytes);
  if (bytes) return newest_of(*bytes);
  if (bytes.error().code == Errc::not_found) return std::optional<Newest>();
  return bytes.error();
}

}  // namespace

std::filesystem::path StoreMark::path_of(const std::filesystem::path& database) { return database.string() + ".mark"; }
std::filesystem::path StoreMark::log_of(const std::filesystem::path& database) { return database.string() + "-wal"; }

Result<std::optional<MarkRecord>> StoreMark::read(const std::filesystem::path& database) {
  const auto newest = read_newest(path_of(database));
  if (!newest) return newest.error();
  return *newest ? std::optional((*newest)->record) : std::nullopt;
}

Result<StoreMark> StoreMark::open(const std::filesystem::path& database, const MarkRecord& record) {
  const auto file = path_of(database);
  const auto before = read_newest(file);
  if (!before) return before.error();
  auto made = create_private_file(file, std::string(kFileBytes, '\0'));
  if (!made && made.error().code != Errc::already_exists) return made.error();
  UniqueFd fd(::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) {
    return Error{Errc::io_error, fmt::format("cannot open {}: {}", file.string(), errno_text(errno))};
  }
  StoreMark mark(std::move(fd), database, record);
  if (*before) mark.written_ = (*before)->number;
  if (auto written = mark.write(true); !written) return written.error();
  return mark;
}

Result<> StoreMark::reserve(UploadId id) {
  if (id <= record_.ids_to) return {};
  const UploadId before = std::exchange(record_.ids_to, id + kIdsAtOnce);
  auto written = write(true);
  if (!written) record_.ids_to = before;
  return written;
}

void StoreMark::committed(std::uint32_t frames, UploadId id) noexcept try {
  if (!log_.valid()) log_ = UniqueFd(::open(log_of(path_).c_str(), O_RDONLY | O_CLOEXEC));
  const WalGeneration log = wal_generation(log_.get());
  const bool first = !record_.log.known();
  if (log != record_.log) record_.frames_kept = 0;
  record_.log = log;
  record_.frames = frames;
  record_.given = std::max(record_.given, id);
  // A record that stays old is as good after a crash as one that is lost with the machine's memory.
  [[maybe_unused]] const auto written = write(first);
} catch (const std::exception&) {  // no memory: the next commit is noted
}

Result<> StoreMark::checkpointed(std::uint32_t frames) {
  record_.frames_kept = std::max(record_.frames_kept, frames);
  return write(true);
}

Result<> StoreMark::closed() {
  record_.closed = true;
  return write(true);
}

Result<> StoreMark::write(bool sync) {
  Place place;
  place.number = ++written_;
  place.database = record_.database;
  place.ids_to = record_.ids_to;
  place.given = record_.given;
  place.closed = record_.closed ? 1 : 0;
  place.log_number = record_.log.number;
  place.log_salt = record_.log.salt;
  place.frames = record_.frames;
  place.frames_kept = record_.frames_kept;
  place.checksum = checksum_of(place);
  const auto at = static_cast<off_t>((written_ % 2) * kPlaceBytes);
  const auto failed = [&] {
    return Error{Errc::io_error, fmt::format("cannot write {}: {}", path_of(path_).string(), errno_text(errno))};
  };
  ssize_t count = 0;
  do {
    count = ::pwrite(fd_.get(), &place, sizeof place, at);
  } while (count < 0 && errno == EINTR);
  if (count != static_cast<ssize_t>(sizeof place)) return failed();
  if (sync && ::fdatasync(fd_.get()) != 0) return failed();
  return {};
}

}  // namespace vodlift::store
