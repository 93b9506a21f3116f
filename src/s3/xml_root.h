// The one way into a foreign XML document: bounded by its caller, no DTD, no entities of its own.
#pragma once

#include <pugixml.hpp>
#include <string>
#include <string_view>

namespace vodlift::s3 {

// The root element of `xml` when it is called `name`; an empty node otherwise. A second element beside the root, which
// pugixml lets pass, would make an answer two things at once, and is refused.
pugi::xml_node load_root(pugi::xml_document& document, std::string_view xml, const char* name);

// The text of a child element, cut to `max_bytes`; empty when there is none.
std::string text_of(const pugi::xml_node& node, const char* child, std::size_t max_bytes = 2048);

}  // namespace vodlift::s3
