// What `vodlift doctor` is made of: sections, each with facts, and with what is wrong and what to do.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "cli/session.h"

namespace vodlift::cli {

// How many entries of a list are shown.
inline constexpr std::size_t kMostDoctorItems = 20;

// Something that needs a person.
struct DoctorTrouble {
  std::string what;  // whole sentences
  std::string fix;   // what to do
};

// One part of the report. A fact is a number, a text, a list of texts, or a list of objects, which a person sees as a
// table. The end of its name is its unit: _bytes, _s (seconds), _ms, _at (Unix seconds).
struct DoctorSection {
  std::string name;
  boost::json::object facts{};
  std::vector<DoctorTrouble> troubles{};

  // A list as a fact: its first kMostDoctorItems, and as `more_NAME` how many more there are.
  void list(std::string_view fact, boost::json::array items);
  // That the section could not be read, as trouble.
  void unreadable(const Error& error);
};

// `text` without what may be secret in a URL: user and password, and the query, are "***".
std::string without_url_secrets(std::string_view text);

// The report: {"ok", "reached", "at", "sections": [{"name", "ok", "wrong": [{"what", "fix"}], "facts"}]}. No text in it
// has a URL's secrets. What is wrong is bounded as lists are.
boost::json::value doctor_report(const std::vector<DoctorSection>& sections, bool reached);
// The same for a person: what is wrong first.
std::string doctor_text(const boost::json::value& report);

// What the errno of connecting to the daemon's socket means, and what to do.
DoctorTrouble socket_trouble(const std::filesystem::path& socket, int error_number);
// What a running daemon tells. After the first call that it does not answer in time, it is asked no more.
std::vector<DoctorSection> examine_server(Session& session);
// What this machine tells, with a server or without one.
std::vector<DoctorSection> examine_machine(const Session& session);

}  // namespace vodlift::cli
