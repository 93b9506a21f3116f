// What is being removed, and what still uses it.
#include <array>
#include <boost/json/array.hpp>

#include "rest/removals.h"

namespace vodlift::rest {
namespace {

constexpr int kMaxNameBytes = 255;  // of a key or a bucket

using boost::json::object;
using boost::json::value;

object uses_json(const Uses& uses) {
  return {{"queued", uses.queued},       {"paused", uses.paused},         {"uploading", uses.uploading},
          {"callbacks", uses.callbacks}, {"multiparts", uses.multiparts}, {"keys", uses.keys},
          {"buckets", uses.buckets},     {"tokens", uses.tokens}};
}

Result<value> list_removals(const Context& context, const Fields& fields) {
  const auto cdn = fields.number_if_given("cdn");
  boost::json::array items;
  for (const auto& [one, since] : context.accounts.removing()) {
    if (cdn.value_or(one.cdn) != one.cdn) continue;
    const auto uses = context.accounts.uses(one);
    if (!uses && uses.error().code == Errc::not_found) continue;  // it went just now
    if (!uses) return uses.error();
    items.push_back(object{{"kind", kRemovableKinds.word(one.kind)},
                           {"cdn", one.cdn},
                           {"name", one.name},
                           {"since", to_unix_seconds(since)},
                           {"uses", uses_json(*uses)}});
  }
  return collection(std::move(items));
}

// Before a removal, so that a person sees what it ends.
Result<value> show_uses(const Context& context, const Fields& fields) {
  const Removable one{kRemovableKinds.value(fields.text("kind")).value(), fields.number("cdn"),
                      std::string(fields.text("name"))};
  if (one.kind == RemovableKind::key) {
    const auto key = context.accounts.find_key(one.name);
    if (!key || key->cdn != one.cdn) return no_such(one);
  }
  const auto uses = context.accounts.uses(one);
  if (!uses) return uses.error();
  return value(uses_json(*uses));
}

constexpr std::array kRemovalFields = {kCdnIfGiven};
constexpr std::array kUsesFields = {
    FieldSpec{.name = "kind", .type = FieldType::word, .required = true, .words = kRemovableKinds.all()},
    kCdn,
    FieldSpec{.name = "name", .high = kMaxNameBytes},
};

constexpr std::array kRemovalRoutes = {
    Route{.name = "removal.list",
          .act = Act::read,
          .method = "GET",
          .path = "/removals",
          .fields = kRemovalFields,
          .run = run_at_once<list_removals>},
    Route{.name = "removal.uses",
          .act = Act::read,
          .method = "GET",
          .path = "/uses",
          .fields = kUsesFields,
          .run = run_at_once<show_uses>},
};

}  // namespace

Result<value> carry_out_removal(const Context& context, const Fields& fields, const Removable& one) {
  const Removals removals(context.accounts, context.uploads, context.bandwidth, context.audit, context.clock);
  const auto done = removals.carry_out(one, removal_mode(fields));
  if (!done) return done.error();
  return value(object{{"removed", done->removed}, {"cancelled", done->cancelled}, {"uses", uses_json(done->uses)}});
}

std::span<const Route> removal_routes() { return kRemovalRoutes; }

}  // namespace vodlift::rest
