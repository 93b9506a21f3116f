#include "app/store_commands.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "app/config.h"
#include "app/config_store.h"
#include "app/server.h"
#include "app/stores.h"
#include "audit/file_audit_check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "store/master_key.h"
#include "store/restore.h"

namespace vodlift::app {
namespace {

// While this lives, root's new files belong to the owner of `folder`, who runs the daemon. Does nothing for others.
class ActAsOwner {
 public:
  explicit ActAsOwner(const std::filesystem::path& folder) {
    struct stat about {};
    if (::geteuid() != 0 || ::stat(folder.c_str(), &about) != 0) return;
    changed_ = ::setegid(about.st_gid) == 0 && ::seteuid(about.st_uid) == 0;
  }
  ActAsOwner(const ActAsOwner&) = delete;
  ActAsOwner& operator=(const ActAsOwner&) = delete;
  ~ActAsOwner() {
    if (changed_ && (::seteuid(0) != 0 || ::setegid(0) != 0)) std::perror("vodlift");
  }

 private:
  bool changed_ = false;
};

// Runs `work(config)`, whose files belong to the daemon's user, and prints what became of it.
template <class Work>
int with_config(const std::filesystem::path& file, Work work) {
  const auto config = load_config(file);
  if (!config) return fail(config.error());
  log::configure(config->log.format, config->log.level);
  const auto done = work(*config);
  if (!done) return fail(done.error());
  fmt::print("{}\n", *done);
  return 0;
}

// The secrets stay sealed, so both need the same key.
Result<> check_same_key(const Config& from, const Config& to) {
  const auto key = store::load_or_create_master_key(from.server.master_key_file, false);
  if (!key) return with_context(about_master_key(from), key.error());
  const auto other = store::load_or_create_master_key(to.server.master_key_file, false);
  if (!other) {
    return with_context(
        fmt::format("the target needs a copy of the master key file {}", from.server.master_key_file.string()),
        other.error());
  }
  if (store::fingerprint_of(*key) == store::fingerprint_of(*other)) return {};
  return Error{Errc::config_invalid,
               fmt::format("{} has another master key than {}: copy the second over the first",
                           to.server.master_key_file.string(), from.server.master_key_file.string())};
}

std::string text_of(const AuditCheck& check) {
  std::string text = fmt::format("The audit log is as it was written: {} line{} in {} file{}.", check.lines,
                                 check.lines == 1 ? "" : "s", check.files, check.files == 1 ? "" : "s");
  if (check.unchained > 0) text += fmt::format("\n{} older lines have no chain, and say nothing.", check.unchained);
  if (check.half > 0) text += fmt::format("\n{} lines are cut short, as by a crash.", check.half);
  if (!check.newest.empty()) text += fmt::format("\nIts newest value, to keep elsewhere: {}", check.newest);
  return text;
}

}  // namespace

int init(const std::filesystem::path& file) {
  return with_config(file, [&](const Config& config) -> Result<std::string> {
    {
      const ActAsOwner owner(config.store.folder);
      const SystemClock clock;
      auto stores = open_stores(config, clock, {});
      if (!stores) return stores.error();
      if (auto left = stores->nodes->leave(stores->self); !left) return left.error();
    }
    if (!config.store.url.empty()) {
      return fmt::format("The database {} has its tables, and {} is there: each other node needs a copy of it.",
                         shown_database(config.store), config.server.master_key_file.string());
    }
    const auto note = init_note_of(config.file);
    const std::string text = fmt::format("{} is there. Without it, a start is refused.\n", config.store.path.string());
    auto noted = create_private_file(note, text);
    if (!noted && noted.error().code != Errc::already_exists) return noted.error();
    return fmt::format("The database {} is there; a start without it is refused from now on ({}).",
                       config.store.path.string(), note.string());
  });
}

int accept_loss(const std::filesystem::path& file) {
  return with_config(file, [](const Config& config) -> Result<std::string> {
    const ActAsOwner owner(config.store.folder);
    const SystemClock clock;
    if (auto accepted = accept_loss_of_log(config, clock); !accepted) return accepted.error();
    return fmt::format("The database {} can be used. Start the daemon.", config.store.path.string());
  });
}

Result<RestoreReport> restore(const RestoreRequest& request) {
  const auto config = load_config(request.config);
  if (!config) return config.error();
  log::configure(config->log.format, config->log.level);
  if (!config->store.url.empty()) {
    return Error{Errc::wrong_state,
                 "the database is in PostgreSQL: restore it with the server's own tools (pg_restore, or the copy that "
                 "pg_basebackup made), and put the master key file back (docs/postgresql.md)"};
  }
  // Before the change of user: a backup from elsewhere may be root's.
  const auto backup = store::open_backup(request.backup);
  if (!backup) return backup.error();
  const ActAsOwner owner(config->store.folder);
  return store::restore(*backup,
                        {config->store.path, config->server.master_key_file, request.replace, request.ids_above});
}

Result<std::vector<TableSum>> migrate_store(const std::filesystem::path& from, const std::filesystem::path& to,
                                            const CopyProgress& progress) {
  const auto source_config = load_config(from);
  if (!source_config) return source_config.error();
  const auto target_config = load_config(to);
  if (!target_config) return target_config.error();
  log::configure(source_config->log.format, source_config->log.level);
  if (source_config->store.url.empty() == target_config->store.url.empty()) {
    return Error{Errc::wrong_state,
                 "both configurations name a database of the same kind. Copy an SQLite file with vodlift backup and "
                 "restore, and a database of PostgreSQL with its own tools"};
  }
  const ActAsOwner owner(source_config->store.folder);
  const SystemClock clock;
  auto source = open_stores(*source_config, clock, {}, StoreUse::copy_from);
  if (!source) return with_context("the source", source.error());
  if (auto same = check_same_key(*source_config, *target_config); !same) return same.error();
  auto target = open_stores(*target_config, clock, {}, StoreUse::copy_to);
  if (!target) return with_context("the target", target.error());
  auto sums = copy_tables(source->engine->tables(), target->engine->tables(), progress);
  if (!sums) return sums;
  for (Stores* stores : {&*source, &*target}) {
    if (auto alone = stores->engine->check_alone(); !alone) return alone.error();
  }
  if (auto complete = target->engine->tables().end_copy(); !complete) return complete.error();
  return sums;
}

int check_audit(const std::filesystem::path& file, const std::string& kept) {
  return with_config(file, [&](const Config& config) -> Result<std::string> {
    const auto check = audit::check_audit_files(config.audit.path, config.audit.keep, kept);
    if (!check) return check.error();
    if (check->fault) {
      return Error{
          Errc::seal_broken,
          fmt::format("{}, line {}: it is not as it was written, or lines before it were removed, added or moved",
                      check->fault->file, check->fault->line)};
    }
    if (!kept.empty() && !check->has_kept) {
      return Error{Errc::seal_broken,
                   "the line with the kept value is gone: the log was cut short or written anew, or "
                   "the line is so old that its file was deleted"};
    }
    return text_of(*check);
  });
}

}  // namespace vodlift::app
