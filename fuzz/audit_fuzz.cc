// Files of the audit log, whose lines anybody who reaches the disk may have written: reading ends, no line is shown
// twice, and a log that goes on behind any bytes stays readable.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "audit/file_audit_check.h"
#include "audit/file_audit_log.h"
#include "audit/file_audit_reader.h"
#include "base/log.h"
#include "require.h"

using vodlift::fuzz::require;
using namespace vodlift::audit;

namespace {

std::filesystem::path fresh_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "audit_fuzz.XXXXXX").string();
  require(::mkdtemp(name.data()) != nullptr, "a folder can be made");
  return name;
}

std::size_t lines_shown(FileAuditReader& reader, std::size_t most) {
  std::size_t shown = 0;
  vodlift::AuditQuery query;
  do {
    const auto page = reader.read(query);
    require(page.has_value(), "the log can be read");
    shown += page->records.size();
    query.before = page->next;
  } while (!query.before.empty() && shown <= most);
  return shown;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  vodlift::log::configure(vodlift::log::Format::console, vodlift::log::Level::error);
  static const std::filesystem::path folder = fresh_folder();
  const std::filesystem::path path = folder / "audit.log";
  std::ofstream(path, std::ios::binary | std::ios::trunc) << vodlift::fuzz::text_of(data, size);
  FileAuditReader reader(path, 1);
  require(lines_shown(reader, size) <= size, "no line is shown twice");
  require(check_audit_files(path, 1, "").has_value(), "the log can be checked");

  const vodlift::SystemClock clock;
  const auto log = FileAuditLog::open({path, std::int64_t{64} << 20, 1}, clock);
  require(log.has_value(), "a log goes on behind any bytes");
  (*log)->record({.door = "api", .address = "unix", .command = "key.add", .what = {}, .failure = {}, .upload = 7});
  const auto page = reader.read({.upload = 7, .limit = 1});
  require(page && page->records.size() == 1 && !page->records[0].damaged, "the new line is whole");
  return 0;
}
