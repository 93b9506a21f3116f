#include "s3/s3_xml.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <pugixml.hpp>

#include "base/hash.h"
#include "base/text.h"
#include "core/part_plan.h"

namespace vodlift::s3 {
namespace {

// The root element of `xml`; an empty node if it is no document. pugixml accepts a second element after the root. Such
// an answer would be two documents at once, and is refused here.
pugi::xml_node load_root(pugi::xml_document& document, std::string_view xml) {
  constexpr unsigned kHow = pugi::parse_minimal | pugi::parse_escapes | pugi::parse_cdata;
  if (!document.load_buffer(xml.data(), xml.size(), kHow, pugi::encoding_utf8)) return {};
  const pugi::xml_node root = document.document_element();
  for (pugi::xml_node next = root.next_sibling(); next; next = next.next_sibling()) {
    if (next.type() == pugi::node_element) return {};
  }
  return root;
}

// The same where the root must have this name.
pugi::xml_node load_root(pugi::xml_document& document, std::string_view xml, const char* name) {
  const pugi::xml_node root = load_root(document, xml);
  return std::string_view(root.name()) == name ? root : pugi::xml_node();
}

// Stores differ in the names of roots, in namespace prefixes, white space and the order of elements: an answer is taken
// by what it holds.
std::string_view local_name(const pugi::xml_node& node) {
  const std::string_view name = node.name();
  const auto colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

pugi::xml_node child_of(const pugi::xml_node& node, std::string_view name) {
  return node.find_child([&](const pugi::xml_node& child) { return local_name(child) == name; });
}

// The first element of that name at any depth, also the node itself.
pugi::xml_node find_in(const pugi::xml_node& node, std::string_view name) {
  if (local_name(node) == name) return node;
  return node.find_node([&](const pugi::xml_node& inner) { return local_name(inner) == name; });
}

constexpr std::string_view kSpaces = " \t\r\n";

// The text of a child element as it is, cut to `max_bytes`; empty when there is no such child.
std::string raw_text_of(const pugi::xml_node& node, std::string_view child, std::size_t max_bytes = 2048) {
  return std::string(std::string_view(child_of(node, child).child_value()).substr(0, max_bytes));
}

// The same without white space around it.
std::string text_of(const pugi::xml_node& node, std::string_view child, std::size_t max_bytes = 2048) {
  return std::string(trimmed(child_of(node, child).child_value(), kSpaces).substr(0, max_bytes));
}

bool is_true(const pugi::xml_node& node, std::string_view child) {
  const std::string text = to_lower(std::string_view(text_of(node, child)));
  return text == "true" || text == "1";
}

template <class Number>
std::optional<Number> number_of(const pugi::xml_node& node, std::string_view child) {
  const std::string text = text_of(node, child);
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// Whether `node` has a child of one of these names.
bool has_any(const pugi::xml_node& node, std::initializer_list<std::string_view> names) {
  return std::ranges::any_of(names, [&](std::string_view name) { return !child_of(node, name).empty(); });
}

// The part of an answer that holds one of these elements: its root, or an element in which a store has wrapped it. A
// root that is called `own_name` needs to hold none. Empty where the answer tells of an error.
pugi::xml_node holder_of(const pugi::xml_node& root, std::initializer_list<std::string_view> names,
                         std::string_view own_name = {}) {
  if (!root || find_in(root, "Error")) return {};
  if (local_name(root) == own_name || has_any(root, names)) return root;
  return root.find_child([&](const pugi::xml_node& child) { return has_any(child, names); });
}

int number_at(std::string_view text, std::size_t at, std::size_t digits) {
  int number = 0;
  for (const char c : text.substr(at, digits)) number = number * 10 + (c - '0');
  return number;
}

// Whole milliseconds of ".123"; 0 for an empty text; nothing for any other text.
std::optional<int> milliseconds_of(std::string_view fraction) {
  constexpr std::size_t kMaxDigits = 11;
  if (fraction.empty()) return 0;
  if (fraction.front() != '.') return std::nullopt;
  fraction.remove_prefix(1);
  if (fraction.size() > kMaxDigits || !is_number(fraction)) return std::nullopt;
  std::string digits(fraction.substr(0, 3));
  digits.resize(3, '0');
  return number_at(digits, 0, 3);
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
}

}  // namespace

std::optional<WallTime> parse_iso_time(std::string_view text) {
  constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:dd";
  if (text.size() <= kForm.size() || text.back() != 'Z') return std::nullopt;
  for (std::size_t at = 0; at < kForm.size(); ++at) {
    if (kForm[at] == 'd' ? !is_digit(text[at]) : text[at] != kForm[at]) return std::nullopt;
  }
  const auto fraction = milliseconds_of(text.substr(kForm.size(), text.size() - kForm.size() - 1));
  const std::chrono::year_month_day date{std::chrono::year(number_at(text, 0, 4)),
                                         std::chrono::month(static_cast<unsigned>(number_at(text, 5, 2))),
                                         std::chrono::day(static_cast<unsigned>(number_at(text, 8, 2)))};
  const int hour = number_at(text, 11, 2);
  const int minute = number_at(text, 14, 2);
  const int second = number_at(text, 17, 2);
  if (!fraction || !date.ok() || date.year() < std::chrono::year(1970)) return std::nullopt;
  if (hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second) + std::chrono::milliseconds(*fraction);
}

std::optional<ErrorDocument> parse_error(std::string_view xml) {
  pugi::xml_document document;
  const pugi::xml_node root = load_root(document, xml);
  const pugi::xml_node found = local_name(root) == "Error" ? root : child_of(root, "Error");
  if (!found) return std::nullopt;
  ErrorDocument error{text_of(found, "Code"), text_of(found, "Message"), text_of(found, "Region"),
                      text_of(found, "RequestId")};
  if (error.code.empty()) return std::nullopt;
  return error;
}

std::optional<std::string> parse_upload_id(std::string_view xml) {
  pugi::xml_document document;
  std::string id = text_of(holder_of(load_root(document, xml), {"UploadId"}), "UploadId");
  if (id.empty()) return std::nullopt;
  return id;
}

std::optional<PartsPage> parse_parts(std::string_view xml) {
  pugi::xml_document document;
  const pugi::xml_node list =
      holder_of(load_root(document, xml), {"Part", "MaxParts", "PartNumberMarker"}, "ListPartsResult");
  if (!list) return std::nullopt;
  PartsPage page;
  for (const pugi::xml_node& node : list.children()) {
    if (local_name(node) != "Part") continue;
    const auto number = number_of<int>(node, "PartNumber");
    const auto size = number_of<std::int64_t>(node, "Size");
    if (!number || *number < 1 || *number > kMaxParts || !size || *size < 0) return std::nullopt;
    page.parts.push_back({*number, *size, text_of(node, "ETag"), text_of(node, "ChecksumCRC32C")});
  }
  page.truncated = is_true(list, "IsTruncated");
  if (page.truncated) {
    const auto marker = number_of<int>(list, "NextPartNumberMarker");
    if (!marker || *marker < 1 || *marker > kMaxParts) return std::nullopt;
    page.next_marker = *marker;
  }
  return page;
}

std::optional<std::string> parse_object_ownership(std::string_view xml) {
  pugi::xml_document document;
  const pugi::xml_node rule = child_of(load_root(document, xml), "Rule");
  std::string mode = text_of(rule, "ObjectOwnership");
  if (mode.empty()) return std::nullopt;
  return mode;
}

std::optional<bool> parse_public_read(std::string_view xml) {
  constexpr std::string_view kEveryone = "/groups/global/AllUsers";
  pugi::xml_document document;
  const pugi::xml_node holder = holder_of(load_root(document, xml), {"AccessControlList", "Grant"});
  const pugi::xml_node list = find_in(holder, "AccessControlList");
  std::optional<bool> found;
  for (const pugi::xml_node& node : list.children()) {
    if (local_name(node) != "Grant") continue;
    const std::string permission = text_of(node, "Permission");
    const bool reads = permission == "READ" || permission == "FULL_CONTROL";
    found = found.value_or(false) || (reads && text_of(child_of(node, "Grantee"), "URI").ends_with(kEveryone));
  }
  return found;
}

std::optional<UploadsPage> parse_uploads(std::string_view xml) {
  pugi::xml_document document;
  const pugi::xml_node list =
      holder_of(load_root(document, xml), {"Upload", "MaxUploads", "UploadIdMarker"}, "ListMultipartUploadsResult");
  if (!list) return std::nullopt;
  UploadsPage page;
  for (const pugi::xml_node& node : list.children()) {
    if (local_name(node) != "Upload") continue;
    ListedMultipart upload{text_of(node, "UploadId"), parse_iso_time(text_of(node, "Initiated")),
                           text_of(child_of(node, "Initiator"), "ID")};
    if (upload.id.empty()) return std::nullopt;
    page.uploads.push_back({raw_text_of(node, "Key"), std::move(upload)});
  }
  page.truncated = is_true(list, "IsTruncated");
  page.next_key = raw_text_of(list, "NextKeyMarker");
  page.next_id = text_of(list, "NextUploadIdMarker");
  if (page.truncated && page.next_key.empty()) return std::nullopt;
  return page;
}

std::optional<CompletedObject> parse_completed(std::string_view xml) {
  pugi::xml_document document;
  const pugi::xml_node holder = holder_of(load_root(document, xml), {"ETag"});
  CompletedObject object{text_of(holder, "ETag"), text_of(holder, "ChecksumCRC32C"), ""};
  if (object.etag.empty()) return std::nullopt;
  return object;
}

std::string complete_body(const std::vector<Part>& parts, bool with_checksums) {
  std::string out = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (const Part& part : parts) {
    out += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>", part.number);
    append_escaped(out, part.etag);
    out += "</ETag>";
    if (with_checksums) out += fmt::format("<ChecksumCRC32C>{}</ChecksumCRC32C>", crc32c_base64(part.crc32c));
    out += "</Part>";
  }
  out += "</CompleteMultipartUpload>";
  return out;
}

std::optional<StsCredentials> parse_sts_credentials(std::string_view xml, const std::string& action,
                                                    std::size_t max_token_bytes) {
  pugi::xml_document document;
  const pugi::xml_node root = load_root(document, xml, (action + "Response").c_str());
  const pugi::xml_node found = root.child((action + "Result").c_str()).child("Credentials");
  if (!found) return std::nullopt;
  return StsCredentials{text_of(found, "AccessKeyId"), Secret(text_of(found, "SecretAccessKey")),
                        Secret(text_of(found, "SessionToken", max_token_bytes + 1)), text_of(found, "Expiration")};
}

std::optional<StsError> parse_sts_error(std::string_view xml) {
  pugi::xml_document document;
  const pugi::xml_node node = load_root(document, xml, "ErrorResponse").child("Error");
  StsError error{text_of(node, "Code"), text_of(node, "Message")};
  if (error.code.empty()) return std::nullopt;
  return error;
}

}  // namespace vodlift::s3
