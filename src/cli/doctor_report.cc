// The report of `vodlift doctor`, as JSON and as text.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/text.h"
#include "cli/doctor.h"
#include "cli/text.h"

namespace vodlift::cli {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

constexpr std::size_t kMaxDoctorTextBytes = 1000;
constexpr std::string_view kMore = "more_";
constexpr std::string_view kHidden = "***";

// What is behind "://".
constexpr std::string_view kAfterScheme = "://";
std::string masked_url(std::string_view url) {
  const std::string_view authority = url.substr(0, url.find_first_of("/?#"));
  const std::size_t colon = authority.rfind(':');
  const bool has_port = authority.starts_with('[') || colon == std::string_view::npos ||
                        colon + 1 == authority.size() || is_number(authority.substr(colon + 1));
  std::string safe;
  if (authority.find('@') != std::string_view::npos) {
    url.remove_prefix(url.substr(0, url.find_first_of("?#")).rfind('@'));
    safe = kHidden;
  } else if (!has_port) {
    // A password with a character that nobody has encoded, or one that was cut off.
    const std::size_t user = url.rfind('@');
    url = user == std::string_view::npos ? std::string_view() : url.substr(user);
    safe = kHidden;
  }
  const std::size_t query = url.find_first_of("?#");
  safe += url.substr(0, query);
  if (query != std::string_view::npos) safe += fmt::format("{}{}", url[query], kHidden);
  return safe;
}

// The whole tree, with every text made safe to show.
value masked(const value& original) {
  if (const auto* text = original.if_string()) return value(without_url_secrets({text->data(), text->size()}));
  if (const array* list = original.if_array()) {
    array copy;
    for (const value& one : *list) copy.push_back(masked(one));
    return copy;
  }
  if (const object* members = original.if_object()) {
    object copy;
    for (const auto& [name, member] : *members) copy[name] = masked(member);
    return copy;
  }
  return original;
}

object section_json(const DoctorSection& section) {
  array wrong;
  for (const DoctorTrouble& one : section.troubles) wrong.push_back(object{{"what", one.what}, {"fix", one.fix}});
  DoctorSection bounded;
  bounded.list("wrong", std::move(wrong));
  object json{{"name", section.name}, {"ok", section.troubles.empty()}};
  for (auto& [name, member] : bounded.facts) json[name] = std::move(member);
  json["facts"] = section.facts;
  return json;
}

// How a fact is shown: the end of its name, which is its unit.
struct Unit {
  std::string_view end;
  std::string (*text)(double);
};
constexpr std::array kUnits = {
    Unit{"_bytes", human_bytes},
    Unit{"_ms", [](double number) { return fmt::format("{:.1f} ms", number); }},
    Unit{"_at", [](double number) { return human_time(static_cast<std::int64_t>(number)); }},
    Unit{"_s", [](double number) { return human_duration(static_cast<std::int64_t>(number)); }},
};

const Unit* unit_of(std::string_view name) {
  const auto* found = std::ranges::find_if(kUnits, [name](const Unit& one) { return name.ends_with(one.end); });
  return found == kUnits.end() ? nullptr : found;
}

// "open_files_limit" as "open files limit", without its unit.
std::string label_of(std::string_view name) {
  if (const Unit* unit = unit_of(name)) name.remove_suffix(unit->end.size());
  std::string label(name);
  std::ranges::replace(label, '_', ' ');
  return label;
}

std::string fact_text(std::string_view name, const value& fact) {
  if (const array* words = fact.if_array()) {
    std::string text;
    for (const value& one : *words) text += (text.empty() ? "" : ", ") + fact_text({}, one);
    return text.empty() ? "none" : text;
  }
  if (const auto* text = fact.if_string()) {
    return text->empty() ? "-" : printable({text->data(), text->size()}, kMaxDoctorTextBytes);
  }
  if (const bool* flag = fact.if_bool()) return *flag ? "yes" : "no";
  if (!fact.is_number()) return "-";
  const auto number = fact.to_number<double>();
  if (const Unit* unit = unit_of(name)) return unit->text(number);
  return fact.is_double() ? fmt::format("{:.1f}", number) : fmt::format("{:.0f}", number);
}

std::string upper(std::string text) {
  for (char& c : text) c = is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

// The objects of a list, which all have the same members.
std::string table_text(const array& items) {
  std::vector<std::string> heads;
  for (const auto& [name, member] : items.front().as_object()) heads.push_back(upper(label_of(name)));
  Table table(std::move(heads));
  for (const value& one : items) {
    std::vector<std::string> cells;
    for (const auto& [name, member] : one.as_object()) cells.push_back(fact_text(name, member));
    table.add(std::move(cells));
  }
  return table.text("");
}

std::string in_lines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out += fmt::format("  {}\n", text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string more_text(const object& facts, std::string_view name) {
  const std::int64_t more = integer_at(facts, fmt::format("{}{}", kMore, name));
  return more > 0 ? fmt::format("  and {} more\n", more) : std::string();
}

std::string facts_text(const object& facts) {
  std::string text;
  for (const auto& [key, fact] : facts) {
    const std::string_view name(key);
    if (name.starts_with(kMore)) continue;
    const array* items = fact.if_array();
    if (items != nullptr && !items->empty() && items->front().is_object()) {
      text += in_lines(table_text(*items));
    } else {
      text += fmt::format("  {}: {}\n", label_of(name), fact_text(name, fact));
    }
    text += more_text(facts, name);
  }
  return text;
}

// Each line of a message on a line of its own: a configuration may have several faults.
std::string trouble_text(const value& trouble) {
  std::string text;
  const std::string what = text_at(trouble, "what");
  std::string_view rest = what;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    text += fmt::format("  {}\n", printable(rest.substr(0, end), kMaxDoctorTextBytes));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return text + fmt::format("  -> {}\n", printable(text_at(trouble, "fix"), kMaxDoctorTextBytes));
}

std::string section_text(const object& section) {
  const bool ok = section.at("ok").as_bool();
  std::string text =
      fmt::format("\n{}: {}\n", text_at(section, "name"),
                  ok ? colored("ok", Color::green, STDOUT_FILENO) : colored("WRONG", Color::red, STDOUT_FILENO));
  for (const value& one : section.at("wrong").as_array()) text += trouble_text(one);
  return text + more_text(section, "wrong") + facts_text(section.at("facts").as_object());
}

}  // namespace

void DoctorSection::list(std::string_view fact, array items) {
  const std::size_t all = items.size();
  if (all > kMostDoctorItems) {
    items.erase(items.begin() + kMostDoctorItems, items.end());
    facts[fmt::format("{}{}", kMore, fact)] = static_cast<std::int64_t>(all - kMostDoctorItems);
  }
  facts[fact] = std::move(items);
}

void DoctorSection::unreadable(const Error& error) {
  troubles.push_back({fmt::format("The server did not tell: {}", error.message),
                      "See its log (journalctl -u vodlift). If it answers nothing at all, restart it."});
}

std::string without_url_secrets(std::string_view text) {
  std::string safe;
  for (std::size_t at = text.find(kAfterScheme); at != std::string_view::npos; at = text.find(kAfterScheme)) {
    safe += text.substr(0, at + kAfterScheme.size());
    text.remove_prefix(at + kAfterScheme.size());
    std::string_view url = text.substr(0, text.find_first_of(" \t\r\n\"<>"));
    // A path may hold another URL, which is looked at next.
    if (const std::size_t nested = url.find(kAfterScheme); nested < url.find_first_of("?#"))
      url = url.substr(0, nested);
    text.remove_prefix(url.size());
    // What looked like a user may have been more, so another URL may follow its "@".
    safe += without_url_secrets(masked_url(url));
  }
  safe += text;
  return safe;
}

value doctor_report(const std::vector<DoctorSection>& sections, bool reached) {
  array json;
  for (const DoctorSection& one : sections) json.push_back(section_json(one));
  return masked(
      object{{"ok", std::ranges::all_of(sections, [](const DoctorSection& one) { return one.troubles.empty(); })},
             {"reached", reached},
             {"at", to_unix_seconds(SystemClock().now())},
             {"sections", std::move(json)}});
}

std::string doctor_text(const value& report) {
  std::string wrong;
  std::string well;
  std::string names;
  for (const value& one : report.at("sections").as_array()) {
    const object& section = one.as_object();
    const bool ok = section.at("ok").as_bool();
    (ok ? well : wrong) += section_text(section);
    if (!ok) names += (names.empty() ? "" : ", ") + text_at(section, "name");
  }
  const std::string first = names.empty() ? "All is well." : fmt::format("This needs a person: {}.", names);
  return fmt::format("{}\n{}{}", first, wrong, well);
}

}  // namespace vodlift::cli
