#include "s3/s3_xml.h"

#include <fmt/format.h>

#include <charconv>

#include "base/hash.h"
#include "core/part_plan.h"
#include "s3/xml_root.h"

namespace vodlift::s3 {
namespace {

template <class Number>
std::optional<Number> number_of(const pugi::xml_node& node, const char* child) {
  const std::string_view text = node.child_value(child);
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  const char* const end = text.data() + at + count;
  const auto [stop, error] = std::from_chars(text.data() + at, end, value);
  if (error != std::errc() || stop != end || value < 0) return std::nullopt;
  return value;
}

// "2026-11-24T18:40:37.123Z"; the fraction may have any number of digits, or be left out.
std::optional<WallTime> time_of(std::string_view text) {
  constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:dd";
  if (text.size() <= kForm.size() || text.back() != 'Z') return std::nullopt;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] != 'd' && text[i] != kForm[i]) return std::nullopt;
  }
  const auto year = digits(text, 0, 4);
  const auto month = digits(text, 5, 2);
  const auto day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2);
  const auto minute = digits(text, 14, 2);
  const auto second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  WallTime time = std::chrono::sys_days{date} + std::chrono::hours{*hour} + std::chrono::minutes{*minute} +
                  std::chrono::seconds{*second};
  std::string_view fraction = text.substr(kForm.size(), text.size() - kForm.size() - 1);
  if (fraction.empty()) return time;
  if (fraction.front() != '.' || fraction.size() < 2) return std::nullopt;
  fraction.remove_prefix(1);
  std::int64_t unit = 100;
  for (const char c : fraction) {
    if (c < '0' || c > '9') return std::nullopt;
    time += std::chrono::milliseconds{(c - '0') * unit};
    unit /= 10;
  }
  return time;
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

std::optional<ErrorDocument> parse_error(std::string_view xml) {
  pugi::xml_document document;
  const pugi::xml_node root = load_root(document, xml, "Error");
  if (!root) return std::nullopt;
  ErrorDocument error{text_of(root, "Code"), text_of(root, "Message"), text_of(root, "Region"),
                      text_of(root, "RequestId")};
  if (error.code.empty()) return std::nullopt;
  return error;
}

std::optional<std::string> parse_upload_id(std::string_view xml) {
  pugi::xml_document document;
  std::string id = text_of(load_root(document, xml, "InitiateMultipartUploadResult"), "UploadId");
  if (id.empty()) return std::nullopt;
  return id;
}

std::optional<PartsPage> parse_parts(std::string_view xml) {
  pugi::xml_document document;
  const pugi::xml_node root = load_root(document, xml, "ListPartsResult");
  if (!root) return std::nullopt;
  PartsPage page;
  for (const pugi::xml_node& node : root.children("Part")) {
    const auto number = number_of<int>(node, "PartNumber");
    const auto size = number_of<std::int64_t>(node, "Size");
    if (!number || *number < 1 || *number > kMaxParts || !size || *size < 0) return std::nullopt;
    page.parts.push_back({*number, *size, text_of(node, "ETag"), text_of(node, "ChecksumCRC32C")});
  }
  page.truncated = std::string_view(root.child_value("IsTruncated")) == "true";
  if (page.truncated) {
    const auto marker = number_of<int>(root, "NextPartNumberMarker");
    if (!marker || *marker < 1 || *marker > kMaxParts) return std::nullopt;
    page.next_marker = *marker;
  }
  return page;
}

std::optional<std::string> parse_object_ownership(std::string_view xml) {
  pugi::xml_document document;
  std::string mode = text_of(load_root(document, xml, "OwnershipControls").child("Rule"), "ObjectOwnership");
  if (mode.empty()) return std::nullopt;
  return mode;
}

std::optional<UploadsPage> parse_uploads(std::string_view xml) {
  pugi::xml_document document;
  const pugi::xml_node root = load_root(document, xml, "ListMultipartUploadsResult");
  if (!root) return std::nullopt;
  UploadsPage page;
  for (const pugi::xml_node& node : root.children("Upload")) {
    ListedMultipart upload{text_of(node, "UploadId"), time_of(node.child_value("Initiated")),
                           text_of(node.child("Initiator"), "ID")};
    if (upload.id.empty()) return std::nullopt;
    page.uploads.push_back({text_of(node, "Key"), std::move(upload)});
  }
  page.truncated = std::string_view(root.child_value("IsTruncated")) == "true";
  page.next_key = text_of(root, "NextKeyMarker");
  page.next_id = text_of(root, "NextUploadIdMarker");
  if (page.truncated && page.next_key.empty()) return std::nullopt;
  return page;
}

std::optional<CompletedObject> parse_completed(std::string_view xml) {
  pugi::xml_document document;
  const pugi::xml_node root = load_root(document, xml, "CompleteMultipartUploadResult");
  if (!root) return std::nullopt;
  CompletedObject object{text_of(root, "ETag"), text_of(root, "ChecksumCRC32C"), ""};
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

}  // namespace vodlift::s3
