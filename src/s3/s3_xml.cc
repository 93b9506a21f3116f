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
