// What the routes that remove accounts, keys and buckets share.
#pragma once

#include "core/removals.h"
#include "rest/route.h"

namespace vodlift::rest {

inline constexpr FieldSpec kRemovalMode = {
    .name = "mode", .type = FieldType::word, .words = kRemovalModes.all(), .otherwise = "unused", .audited = true};

inline RemovalMode removal_mode(const Fields& fields) { return kRemovalModes.value(fields.text("mode")).value(); }

inline boost::json::value removing_json(const std::optional<WallTime>& removing) {
  return removing ? boost::json::value(to_unix_seconds(*removing)) : boost::json::value(nullptr);
}

// Removals::carry_out() of what exists, and what came of it: "removed", "cancelled" and "uses".
Result<boost::json::value> carry_out_removal(const Context& context, const Fields& fields, const Removable& one);

}  // namespace vodlift::rest
