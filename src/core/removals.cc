#include "core/removals.h"

#include <fmt/format.h>

#include <exception>

#include "base/log.h"

namespace vodlift {
namespace {

Error in_use(const Removable& one, const Uses& uses) {
  return {Errc::wrong_state,
          fmt::format("{} is not removed: it has {}. With drain it takes nothing new and is removed when these have "
                      "ended; with cancel its uploads are cancelled first",
                      to_text(one), to_text(uses)),
          "--drain, or --cancel"};
}

std::string command_of(const Removable& one) { return fmt::format("{}.remove", kRemovableKinds.word(one.kind)); }

}  // namespace

Result<RemovalOutcome> Removals::carry_out(const Removable& one, RemovalMode mode) const {
  RemovalOutcome outcome;
  if (mode == RemovalMode::keep) {
    if (auto kept = accounts_.set_removing(one, std::nullopt); !kept) return kept.error();
    log::info("a removal was taken back", {{"of", to_text(one)}});
  } else if (mode != RemovalMode::unused) {
    if (auto marked = accounts_.set_removing(one, clock_.now()); !marked) return marked.error();
    log::info("nothing new is accepted for what is being removed", {{"of", to_text(one)}});
  }
  if (mode == RemovalMode::cancel) {
    const auto cancelled = cancel_uploads(one);
    if (!cancelled) return cancelled.error();
    outcome.cancelled = *cancelled;
  }
  const auto uses = accounts_.uses(one);
  if (!uses) return uses.error();
  outcome.uses = *uses;
  if (mode == RemovalMode::keep) return outcome;
  if (mode == RemovalMode::unused && !uses->none()) return in_use(one, *uses);
  if (!uses->ended()) return outcome;
  const auto removed = remove(one);
  if (!removed) return removed.error();
  outcome.removed = *removed;
  if (!*removed && mode == RemovalMode::unused) {
    return Error{Errc::wrong_state, to_text(one) + " is not removed: an upload came just now", "--drain, or --cancel"};
  }
  return outcome;
}

Result<std::int64_t> Removals::cancel_uploads(const Removable& one) const {
  const auto ids = accounts_.uncancelled(one, kMostCancelled);
  if (!ids) return ids.error();
  for (const UploadId id : *ids) {
    ChangeRequest request;
    request.account = one.cdn;
    request.id = id;
    request.change = UploadChange::cancel;
    // A refusal says that it has ended meanwhile.
    if (auto changed = uploads_.change(request); !changed) return changed.error();
  }
  return std::ssize(*ids);
}

Result<bool> Removals::remove(const Removable& one) const {
  auto removed = accounts_.remove(one, clock_.now());
  if (!removed || !*removed) return removed;
  log::info("removed", {{"what", to_text(one)}});
  remove_limits(one);
  return true;
}

// One that stays limits nothing, but would apply to a later account or bucket of that name.
void Removals::remove_limits(const Removable& one) const {
  const auto limits = bandwidth_.list();
  if (!limits) return log::warn("limits cannot be read", {{"reason", limits.error().for_operator()}});
  for (const BandwidthLimit& limit : *limits) {
    const bool of_account = one.kind == RemovableKind::account && limit.scope.account == one.cdn;
    const bool of_bucket = one.kind == RemovableKind::bucket && limit.scope.kind == BandwidthScope::Kind::bucket &&
                           limit.scope.account == one.cdn && limit.scope.name == one.name;
    if (!of_account && !of_bucket) continue;
    if (auto gone = bandwidth_.remove(limit.scope); !gone && gone.error().code != Errc::not_found) {
      log::warn("a limit of what was removed stays; remove it with: vodlift limit remove",
                {{"scope", to_text(limit.scope)}, {"reason", gone.error().for_operator()}});
    }
  }
}

void Removals::sweep() const noexcept {
  try {
    for (const auto& [one, since] : accounts_.removing()) {
      const auto passed = clock_.now() - since;
      // A clock that was set back must not hold it up.
      if (passed >= kSettle || passed < std::chrono::milliseconds(0)) sweep_one(one);
    }
  } catch (const std::exception& failure) {
    log::error("unexpected error during removals", {{"reason", failure.what()}});
  }
}

void Removals::sweep_one(const Removable& one) const {
  const auto uses = accounts_.uses(one);
  if (uses && !uses->ended()) return;
  const auto removed = uses ? remove(one) : Result<bool>(uses.error());
  if (!removed) {
    if (removed.error().code == Errc::not_found) return;  // with its account
    return log::warn("a removal cannot be finished now; it is tried again",
                     {{"of", to_text(one)}, {"reason", removed.error().for_operator()}});
  }
  if (!*removed) return;
  const std::string command = command_of(one);
  AuditEntry entry;
  entry.door = "server";
  entry.address = "itself";
  entry.cdn = one.cdn;
  entry.command = command;
  if (one.kind == RemovableKind::key) entry.what.emplace_back("api_key", one.name);
  if (one.kind == RemovableKind::bucket) entry.what.emplace_back("bucket", one.name);
  audit_.record(entry);
}

}  // namespace vodlift
