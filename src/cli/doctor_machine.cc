// What `vodlift doctor` sees without a server: the machine, and the files of the database.
#include <fmt/format.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/doctor.h"
#include "cli/text.h"

namespace vodlift::cli {
namespace {

using boost::json::value;

constexpr std::size_t kMaxReleaseBytes = 8192;
// Below this the daemon itself says that the disk is low.
constexpr std::int64_t kLittleRoomBytes = std::int64_t{1} << 30;

// "Debian GNU/Linux 12 (bookworm)" of /etc/os-release; empty: not known.
std::string release_name() {
  const auto text = read_small_file("/etc/os-release", kMaxReleaseBytes);
  constexpr std::string_view kName = "PRETTY_NAME=";
  const std::size_t at = text ? text->find(kName) : std::string::npos;
  if (at == std::string::npos) return {};
  const std::string_view rest = std::string_view(*text).substr(at + kName.size());
  return std::string(trimmed(rest.substr(0, rest.find('\n')), " \t\r\""));
}

// "12.5"; empty: not known, or no Debian.
std::string debian_version() {
  const auto text = read_small_file("/etc/debian_version", kMaxReleaseBytes);
  return text ? std::string(trimmed(*text, " \t\r\n")) : std::string();
}

// "Europe/Berlin", where the machine says so, and how it differs from UTC now.
std::string time_zone() {
  const char* variable = std::getenv("TZ");
  std::string name = variable == nullptr ? "" : variable;
  if (name.empty()) {
    std::error_code error;
    const std::string link = std::filesystem::read_symlink("/etc/localtime", error).string();
    constexpr std::string_view kZones = "zoneinfo/";
    const std::size_t at = link.find(kZones);
    if (!error && at != std::string::npos) name = link.substr(at + kZones.size());
  }
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  std::array<char, 64> text{};
  if (::localtime_r(&now, &local) == nullptr) return name;
  const std::size_t size = std::strftime(text.data(), text.size(), "%Z %z", &local);
  return fmt::format("{}{}{}", name, name.empty() ? "" : ", ", std::string_view(text.data(), size));
}

std::string user_name() {
  const passwd* user = ::getpwuid(::geteuid());
  return user == nullptr ? std::to_string(::geteuid()) : user->pw_name;
}

value limit_value(rlim_t limit) {
  return limit == RLIM_INFINITY ? value("unlimited") : value(static_cast<std::int64_t>(limit));
}

DoctorSection examine_system() {
  DoctorSection section{.name = "machine"};
  utsname names{};
  if (::uname(&names) == 0) {
    section.facts["kernel"] = fmt::format("{} {}", names.sysname, names.release);
    section.facts["architecture"] = names.machine;
  }
  section.facts["system"] = release_name();
  section.facts["debian_version"] = debian_version();
  section.facts["processors"] = static_cast<std::int64_t>(std::thread::hardware_concurrency());
  struct sysinfo memory {};
  if (::sysinfo(&memory) == 0) {
    section.facts["memory_bytes"] = static_cast<std::int64_t>(memory.totalram) * memory.mem_unit;
    section.facts["load_of_1_minute"] = static_cast<double>(memory.loads[0]) / (1 << SI_LOAD_SHIFT);
    section.facts["up_s"] = static_cast<std::int64_t>(memory.uptime);
  }
  section.facts["time_zone"] = time_zone();
  timex clock{};
  const int state = ::adjtimex(&clock);
  section.facts["clock_synchronised"] = state < 0 ? value(nullptr) : value(state != TIME_ERROR);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    section.facts["open_files_limit_of_this_user"] = limit_value(files.rlim_cur);
    section.facts["hard_limit"] = limit_value(files.rlim_max);
  }
  section.facts["user"] = user_name();
  return section;
}

struct FileSystem {
  std::int64_t magic;
  const char* name;
  bool is_remote;
};
constexpr std::array kFileSystems = {
    FileSystem{0xEF53, "ext4", false},      FileSystem{0x58465342, "xfs", false},
    FileSystem{0x9123683E, "btrfs", false}, FileSystem{0x2FC12FC1, "zfs", false},
    FileSystem{0x01021994, "tmpfs", false}, FileSystem{0x794C7630, "overlay", false},
    FileSystem{0x6969, "nfs", true},        FileSystem{0xFF534D42, "cifs", true},
    FileSystem{0xFE534D42, "smb", true},    FileSystem{0x65735546, "fuse", false},
};

value size_of_file(const std::filesystem::path& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  return error ? value(nullptr) : value(static_cast<std::int64_t>(size));
}

void examine_disk(const std::filesystem::path& database, DoctorSection& section) {
  const std::filesystem::path folder = database.parent_path();
  struct statfs about {};
  if (::statfs(folder.c_str(), &about) != 0) {
    section.troubles.push_back(
        {fmt::format("The database's folder {} cannot be looked at: {}.", folder.string(), errno_text(errno)),
         "Mount it, or run the command as the user who runs the server: sudo -u vodlift "
         "vodlift doctor"});
    return;
  }
  const auto magic = static_cast<std::int64_t>(about.f_type) & 0xFFFFFFFF;
  const auto* kind = std::ranges::find(kFileSystems, magic, &FileSystem::magic);
  section.facts["file_system"] = kind == kFileSystems.end() ? fmt::format("0x{:x}", magic) : kind->name;
  const auto free = static_cast<std::int64_t>(about.f_bavail) * about.f_bsize;
  section.facts["disk_bytes"] = static_cast<std::int64_t>(about.f_blocks) * about.f_bsize;
  section.facts["free_bytes"] = free;
  if (kind != kFileSystems.end() && kind->is_remote) {
    section.troubles.push_back({"The database is on a network file system, where it can lose data.",
                                "Stop the server and move the database to a local disk."});
  }
  if ((static_cast<unsigned long>(about.f_flags) & ST_RDONLY) != 0) {
    section.troubles.push_back({"The disk of the database is mounted read-only.",
                                "See the kernel's log (dmesg) for faults of the disk, and mount it writable."});
  }
  if (free < kLittleRoomBytes) {
    section.troubles.push_back(
        {fmt::format("The disk of the database has only {} left.", human_bytes(static_cast<double>(free))),
         "Make room on it: when it is full, new uploads are refused."});
  }
}

DoctorSection examine_files(const Session& session) {
  DoctorSection section{.name = "files"};
  const auto database = session.database();
  if (!database) {
    const bool elsewhere = database.error().code == Errc::wrong_state;
    section.facts["database"] =
        elsewhere ? database.error().message : fmt::format("not known: {}", database.error().message);
    return section;
  }
  section.facts["database"] = database->string();
  section.facts["database_bytes"] = size_of_file(*database);
  section.facts["log_bytes"] = size_of_file(database->string() + "-wal");
  examine_disk(*database, section);
  return section;
}

}  // namespace

std::vector<DoctorSection> examine_machine(const Session& session) {
  return {examine_files(session), examine_system()};
}

}  // namespace vodlift::cli
