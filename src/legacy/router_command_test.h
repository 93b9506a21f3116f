// Calls of commands, as the example makes them, and what they are answered.
#pragma once

#include "legacy/router_test.h"

namespace vodlift::legacy {

class RouterCommand : public RouterTest {
 protected:
  static std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }
  // aws.upload of the example, with one piece of its fields replaced.
  boost::json::value upload_with(std::string_view from, std::string_view to) {
    return ask_signed(call_text("aws.upload", replaced(std::string(kUploadFields), from, to)));
  }
  std::string upload_verdict(std::string_view from, std::string_view to) { return verdict(upload_with(from, to)); }
  std::string call_verdict(std::string_view command, std::string_view more = "") {
    return verdict(ask_signed(call_text(command, more)));
  }
  // The example at another second, so that it is another request.
  std::int64_t upload_at(std::int64_t timestamp) {
    const auto envelope =
        ask_signed(replaced(call_text("aws.upload", kUploadFields), std::to_string(kNow), std::to_string(timestamp)));
    return envelope.at("data").as_int64();
  }
};

}  // namespace vodlift::legacy
