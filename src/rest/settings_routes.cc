#include <boost/json/array.hpp>
#include <boost/json/value_from.hpp>

#include "rest/route.h"

namespace vodlift::rest {
namespace {

using boost::json::object;
using boost::json::value;

Result<value> reload_settings(const Context& context, const Fields& /*fields*/) {
  const auto done = context.settings.reload();
  if (!done) return done.error();
  return value(object{{"applied", boost::json::value_from(done->applied)},
                      {"need_restart", boost::json::value_from(done->need_restart)}});
}

constexpr std::array kSettingsRoutes = {
    Route{.name = "settings.reload",
          .act = Act::manage_people,
          .method = "POST",
          .path = "/settings/reload",
          .mutating = true,
          .run = run_at_once<reload_settings>},
};

}  // namespace

std::span<const Route> settings_routes() { return kSettingsRoutes; }

}  // namespace vodlift::rest
