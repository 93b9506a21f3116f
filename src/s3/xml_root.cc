#include "s3/xml_root.h"

namespace vodlift::s3 {

// pugixml reads no DTD and expands only the five entities of XML itself.
pugi::xml_node load_root(pugi::xml_document& document, std::string_view xml, const char* name) {
  if (!document.load_buffer(xml.data(), xml.size(), pugi::parse_minimal | pugi::parse_escapes, pugi::encoding_utf8)) {
    return {};
  }
  const pugi::xml_node root = document.document_element();
  for (pugi::xml_node next = root.next_sibling(); next; next = next.next_sibling()) {
    if (next.type() == pugi::node_element) return {};
  }
  return std::string_view(root.name()) == name ? root : pugi::xml_node();
}

std::string text_of(const pugi::xml_node& node, const char* child, std::size_t max_bytes) {
  return std::string(std::string_view(node.child_value(child)).substr(0, max_bytes));
}

}  // namespace vodlift::s3
