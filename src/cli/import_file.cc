#include "cli/import_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "base/encoding.h"
#include "base/text.h"
#include "cli/csv.h"

namespace vodlift::cli {
namespace {

using boost::json::object;
using boost::json::value;

enum class ColumnType { text, number, flag, list };

struct Column {
  std::string_view name;
  ColumnType type = ColumnType::text;
};

// The fields of account.add, key.add and bucket.add.
constexpr std::array kColumns = {
    Column{"kind"},
    Column{"cdn", ColumnType::number},
    Column{"user"},
    Column{"weight", ColumnType::number},
    Column{"uploads_at_once", ColumnType::number},
    Column{"callback_format"},
    Column{"callback_https_only", ColumnType::flag},
    Column{"api_key"},
    Column{"secret"},
    Column{"permissions"},
    Column{"path_prefix"},
    Column{"buckets", ColumnType::list},
    Column{"networks", ColumnType::list},
    Column{"expires", ColumnType::number},
    Column{"bucket"},
    Column{"endpoint"},
    Column{"region"},
    Column{"access_key"},
    Column{"secret_key"},
    Column{"path_style", ColumnType::flag},
    Column{"acl_policy"},
    Column{"credentials"},
    Column{"profile"},
    Column{"role_arn"},
    Column{"external_id"},
    Column{"sse"},
    Column{"kms_key"},
    Column{"sse_bucket_key", ColumnType::flag},
    Column{"max_parts", ColumnType::number},
    Column{"part_size", ColumnType::number},
};

// In the order in which they are sent.
constexpr std::array<std::string_view, 3> kKinds = {"account", "bucket", "key"};

std::optional<value> typed_cell(ColumnType type, const std::string& text) {
  switch (type) {
    case ColumnType::number: {
      std::int64_t number = 0;
      const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
      return value(number);
    }
    case ColumnType::flag:
      if (text == "yes" || text == "true" || text == "1") return value(true);
      if (text == "no" || text == "false" || text == "0") return value(false);
      return std::nullopt;
    case ColumnType::list: {
      boost::json::array list;
      std::string_view rest = text;
      while (!rest.empty()) {
        const std::string_view one = rest.substr(0, rest.find(' '));
        if (!one.empty()) list.emplace_back(one);
        rest.remove_prefix(std::min(one.size() + 1, rest.size()));
      }
      return value(std::move(list));
    }
    case ColumnType::text:
      break;
  }
  return value(text);
}

std::string_view expected(ColumnType type) { return type == ColumnType::number ? "a whole number" : "yes or no"; }

// Gathers rows by kind, and finds those that are there twice.
class ImportRows {
 public:
  void add(ImportRow row) {
    const std::string kind = text_of(row.fields, "kind");
    const auto* const at = std::ranges::find(kKinds, kind);
    if (at == kKinds.end()) return fault(row.place, "kind: must be account, key or bucket");
    if (const std::string name = name_of(row.fields, kind); !name.empty()) {
      const auto [first, is_new] = places_.emplace(name, row.place);
      if (!is_new)
        return fault(row.place, fmt::format("{} is in {} already", what_of(row.fields, kind), first->second));
    }
    by_kind_[static_cast<std::size_t>(at - kKinds.begin())].push_back(std::move(row));
  }

  void fault(const std::string& place, std::string_view what) {
    constexpr std::size_t kMaxFaults = 1000;
    if (file_.faults.size() < kMaxFaults) file_.faults.push_back(fmt::format("{}: {}", place, what));
  }

  ImportFile take() {
    for (auto& rows : by_kind_) std::move(rows.begin(), rows.end(), std::back_inserter(file_.rows));
    return std::move(file_);
  }

 private:
  static std::string text_of(const object& fields, std::string_view name) {
    const value* found = fields.if_contains(name);
    return found != nullptr && found->is_string() ? std::string(found->get_string().c_str()) : std::string();
  }
  static std::int64_t number_of(const object& fields, std::string_view name) {
    const value* found = fields.if_contains(name);
    return found != nullptr && found->is_int64() ? found->get_int64() : 0;
  }
  // The name by which a row is found twice. Empty: the row lacks it, and the server will say so.
  static std::string name_of(const object& fields, const std::string& kind) {
    const std::int64_t cdn = number_of(fields, "cdn");
    if (cdn == 0) return {};
    if (kind == "account") return fmt::format("account {}", cdn);
    if (kind == "bucket") return fmt::format("bucket {} {}", cdn, text_of(fields, "bucket"));
    const std::string api_key = text_of(fields, "api_key");
    return api_key.empty() ? "" : "key " + api_key;
  }
  // An API key is not shown: it may be the secret, in the wrong column.
  static std::string what_of(const object& fields, const std::string& kind) {
    if (kind == "account") return fmt::format("account {}", number_of(fields, "cdn"));
    return kind == "bucket" ? "this bucket" : "this API key";
  }

  std::array<std::vector<ImportRow>, kKinds.size()> by_kind_;
  std::map<std::string, std::string> places_;
  ImportFile file_;
};

std::string unknown_column(std::string_view name) {
  return fmt::format("there is no column \"{}\"; docs/import.md has them", printable(name, 64));
}

Result<ImportFile> parse_rows(std::string_view text) {
  const auto table = parse_csv(text);
  if (!table) return table.error();
  const CsvRow& heads = table->front();
  std::vector<const Column*> columns;
  std::set<std::string> seen;
  for (const std::string& head : heads.cells) {
    const auto* const column = std::ranges::find(kColumns, std::string_view(head), &Column::name);
    if (column == kColumns.end()) return Error{Errc::invalid_value, "line 1: " + unknown_column(head)};
    if (!seen.insert(head).second) {
      return Error{Errc::invalid_value, fmt::format("line 1: the column {} is there twice", head)};
    }
    columns.push_back(&*column);
  }
  if (!seen.contains("kind")) {
    return Error{Errc::invalid_value, "line 1: the column kind is missing; it says account, key or bucket"};
  }
  ImportRows rows;
  for (const CsvRow& row : std::span(*table).subspan(1)) {
    ImportRow made{fmt::format("line {}", row.line), {}};
    bool good = true;
    for (std::size_t at = 0; at < columns.size(); ++at) {
      if (row.cells[at].empty()) continue;
      auto cell = typed_cell(columns[at]->type, row.cells[at]);
      if (!cell) {
        rows.fault(made.place, fmt::format("{}: must be {}", columns[at]->name, expected(columns[at]->type)));
        good = false;
        continue;
      }
      made.fields[columns[at]->name] = std::move(*cell);
    }
    if (good) rows.add(std::move(made));
  }
  return rows.take();
}

Result<ImportFile> parse_objects(std::string_view text) {
  boost::system::error_code failed;
  const value document = boost::json::parse({text.data(), text.size()}, failed);
  if (failed) return Error{Errc::invalid_value, fmt::format("the JSON cannot be read: {}", failed.message())};
  ImportRows rows;
  for (const auto& [name, list] : document.as_object()) {
    const std::string_view plural = name;
    const auto* const kind =
        std::ranges::find_if(kKinds, [plural](std::string_view one) { return plural == std::string(one) + "s"; });
    if (kind == kKinds.end() || !list.is_array()) {
      return Error{Errc::invalid_value,
                   fmt::format("{}: expected the lists accounts, keys and buckets", printable(plural, 64))};
    }
    for (std::size_t at = 0; at < list.get_array().size(); ++at) {
      const value& one = list.get_array()[at];
      ImportRow row{fmt::format("{}[{}]", plural, at), {}};
      if (!one.is_object()) {
        rows.fault(row.place, "must be an object");
        continue;
      }
      row.fields = one.get_object();
      const auto known = [](const auto& member) {
        return std::ranges::find(kColumns, std::string_view(member.key()), &Column::name) != kColumns.end();
      };
      if (const auto* const odd = std::ranges::find_if_not(row.fields, known); odd != row.fields.end()) {
        rows.fault(row.place, unknown_column(odd->key()));
        continue;
      }
      row.fields["kind"] = *kind;
      rows.add(std::move(row));
    }
  }
  return rows.take();
}

}  // namespace

Result<ImportFile> parse_import(std::string_view text) {
  const std::string_view content = without_byte_order_mark(text);
  const std::size_t begin = content.find_first_not_of(" \t\r\n");
  const bool is_json = begin != std::string_view::npos && content[begin] == '{';
  return is_json ? parse_objects(content) : parse_rows(content);
}

bool has_secret(const ImportRow& row) { return row.fields.contains("secret") || row.fields.contains("secret_key"); }

}  // namespace vodlift::cli
