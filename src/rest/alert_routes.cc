#include <algorithm>
#include <boost/json/array.hpp>

#include "base/encoding.h"
#include "core/alert.h"
#include "rest/route.h"

namespace vodlift::rest {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

value moment_or_nothing(const std::optional<WallTime>& time) {
  return time ? value(to_unix_seconds(*time)) : value(nullptr);
}

object alert_json(const OpenAlert& alert) {
  const AlertCause& cause = alert.cause;
  return {{"key", cause.key},
          {"code", cause.code},
          {"severity", cause.severity},
          {"title", cause.title},
          {"detail", cause.detail},
          {"fix", cause.fix},
          {"opened", to_unix_seconds(alert.opened)},
          {"told", alert.told}};
}

object receiver_json(const AlertReceiver& receiver) {
  return {{"receiver", printable(receiver.name)},
          {"failing_since", moment_or_nothing(receiver.failing_since)},
          {"error", receiver.error.empty() ? value(nullptr) : value(printable(receiver.error))}};
}

object answer_json(const AlertAnswer& answer) {
  return {{"receiver", printable(answer.receiver)},
          {"delivered", answer.delivered},
          {"answer", printable(answer.text)},
          {"output", answer.output},
          {"took_ms", answer.took.count()}};
}

Result<value> list_alerts(const Context& context, const Fields& /*fields*/) {
  array alerts;
  for (const OpenAlert& one : context.alerts.open()) alerts.push_back(alert_json(one));
  array receivers;
  for (const AlertReceiver& one : context.alerts.receivers()) receivers.push_back(receiver_json(one));
  return value(object{{"items", std::move(alerts)}, {"next", nullptr}, {"receivers", std::move(receivers)}});
}

Result<value> test(const Context& context, const Fields& /*fields*/) {
  array answers;
  for (const AlertAnswer& one : context.alerts.test()) answers.push_back(answer_json(one));
  return collection(std::move(answers));
}

constexpr std::array kAlertRoutes = {
    Route{.name = "alert.list",
          .act = Act::configure,
          .method = "GET",
          .path = "/alerts",
          .run = run_at_once<list_alerts>},
    Route{.name = "alert.test",
          .act = Act::configure,
          .load = Load::outside,
          .method = "POST",
          .path = "/alerts/test",
          .mutating = true,
          .run = run_at_once<test>},
};

}  // namespace

std::span<const Route> alert_routes() { return kAlertRoutes; }

}  // namespace vodlift::rest
