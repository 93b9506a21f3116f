#include "cli/removal_commands.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

#include "base/encoding.h"
#include "cli/text.h"

namespace vodlift::cli {
namespace {

using boost::json::value;

constexpr std::chrono::milliseconds kBetweenLooks{1000};

struct RemovalOptions {
  bool drain = false;
  bool cancel = false;
  bool keep = false;
  bool wait = false;

  [[nodiscard]] std::string mode() const {
    if (keep) return "keep";
    if (cancel) return "cancel";
    return drain ? "drain" : "unused";
  }
};

std::string path_to(const Removable& one) {
  switch (one.kind) {
    case RemovableKind::key:
      return "/keys/" + uri_encode(one.name);
    case RemovableKind::bucket:
      return fmt::format("/buckets/{}/{}", one.cdn, uri_encode(one.name));
    case RemovableKind::account:
      break;
  }
  return fmt::format("/accounts/{}", one.cdn);
}

Uses uses_of(const value& answer) {
  const value& uses = answer.at("uses");
  return {integer_at(uses, "queued"),    integer_at(uses, "paused"),     integer_at(uses, "uploading"),
          integer_at(uses, "callbacks"), integer_at(uses, "multiparts"), integer_at(uses, "keys"),
          integer_at(uses, "buckets"),   integer_at(uses, "tokens")};
}

// What must still end.
std::string left_of(const value& answer) {
  Uses uses = uses_of(answer);
  uses.keys = uses.buckets = uses.tokens = 0;
  return uses.ended() ? "nothing that has not ended" : to_text(uses);
}

// The entry of what is being removed; null: it is not any more.
Result<value> find_removal(Session& session, const Removable& one) {
  auto all = session.list({"GET", "/removals"});
  if (!all) return all.error();
  for (value& removal : *all) {
    const bool same_name =
        text_at(removal, "kind") == kRemovableKinds.word(one.kind) && text_at(removal, "name") == one.name;
    // A key is named by itself alone.
    if (same_name && (one.kind == RemovableKind::key || integer_at(removal, "cdn") == one.cdn))
      return std::move(removal);
  }
  return value(nullptr);
}

// Returns when it is removed. Tells what it waits for, each time that this changes. Errors also: wrong_state (somebody
// keeps it).
Result<> wait_for_removal(Session& session, const Removable& one) {
  std::string told;
  while (true) {
    const auto removal = find_removal(session, one);
    if (!removal) return removal.error();
    if (removal->is_null()) break;
    const std::string left = left_of(*removal);
    if (left != told && !session.quiet() && !session.json()) print(fmt::format("waits for {}\n", left));
    told = left;
    std::this_thread::sleep_for(kBetweenLooks);
  }
  const auto still = session.call({"GET", path_to(one)});
  if (still) return Error{Errc::wrong_state, to_text(one) + " is not being removed any more: it stays"};
  return still.error().code == Errc::not_found ? Result<>() : still.error();
}

// Asks until all that is to be cancelled is.
Result<value> ask_for_removal(Session& session, const Removable& one, const RemovalOptions& options) {
  std::int64_t cancelled = 0;
  while (true) {
    auto answer = session.call({"DELETE", path_to(one), {{"mode", options.mode()}}});
    if (!answer) return answer;
    const std::int64_t now = integer_at(*answer, "cancelled");
    cancelled += now;
    answer->as_object()["cancelled"] = cancelled;
    if (now < kMostCancelled || cell(*answer, "removed") == "yes") return answer;
  }
}

std::string show_removal(const Removable& one, const RemovalOptions& options, const value& answer) {
  const std::string what = to_text(one);
  if (options.keep) return what + " stays\n";
  const std::int64_t count = integer_at(answer, "cancelled");
  std::string text;
  if (count > 0) text = fmt::format("{} upload{} cancelled\n", count, count == 1 ? "" : "s");
  if (cell(answer, "removed") == "yes") return text + what + " is removed\n";
  return text + fmt::format(
                    "{} takes nothing new. It is removed when nothing uses it any more; now it has {}.\n"
                    "The same command with --wait waits for that, with --keep it stays after all.\n",
                    what, left_of(answer));
}

int run_remove(Session& session, const Removable& one, const RemovalOptions& options) {
  auto answer = ask_for_removal(session, one, options);
  if (!answer) return session.fail(answer.error());
  const bool waits = options.wait && !options.keep && cell(*answer, "removed") != "yes";
  if (waits) {
    if (auto removed = wait_for_removal(session, one); !removed) return session.fail(removed.error());
    answer->as_object()["removed"] = true;
  }
  if (session.json()) {
    print(boost::json::serialize(*answer) + "\n");
  } else {
    session.say(show_removal(one, options, *answer));
  }
  return kDone;
}

}  // namespace

void add_remove_command(CLI::App& noun, Session& session, const char* about,
                        const std::function<std::shared_ptr<Removable>(CLI::App& command)>& options) {
  CLI::App* remove = noun.add_subcommand("remove", about);
  const auto one = options(*remove);
  auto how = std::make_shared<RemovalOptions>();
  auto* drain = remove->add_flag("--drain", how->drain,
                                 "Take nothing new; remove it when its last upload and callback have ended");
  auto* cancel = remove->add_flag("--cancel", how->cancel, "Cancel its uploads that have not ended, then as --drain");
  auto* keep = remove->add_flag("--keep", how->keep, "Take --drain or --cancel back; what is cancelled stays so");
  remove->add_flag("--wait", how->wait, "Wait until it is removed, and tell what it waits for");
  cancel->excludes(keep);
  drain->excludes(keep);
  session.attach(*remove, [&session, one, how] { return run_remove(session, *one, *how); });
}

}  // namespace vodlift::cli
