#include "core/content_type.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/text.h"

namespace vodlift {
namespace {

struct Row {
  std::string_view extension;
  std::string_view type;
};

// By extension, for binary search. Types as IANA registers them; otherwise those that players and browsers use.
constexpr std::array kTypes = {
    Row{"3g2", "video/3gpp2"},
    Row{"3gp", "video/3gpp"},
    Row{"aac", "audio/aac"},
    Row{"ac3", "audio/ac3"},
    Row{"aif", "audio/aiff"},
    Row{"aiff", "audio/aiff"},
    Row{"asf", "video/x-ms-asf"},
    Row{"ass", "text/x-ssa"},
    Row{"avi", "video/x-msvideo"},
    Row{"avif", "image/avif"},
    Row{"bmp", "image/bmp"},
    Row{"css", "text/css"},
    Row{"csv", "text/csv"},
    Row{"dfxp", "application/ttml+xml"},
    Row{"dv", "video/dv"},
    Row{"eac3", "audio/eac3"},
    Row{"f4v", "video/mp4"},
    Row{"flac", "audio/flac"},
    Row{"flv", "video/x-flv"},
    Row{"gif", "image/gif"},
    Row{"gz", "application/gzip"},
    Row{"heic", "image/heic"},
    Row{"htm", "text/html"},
    Row{"html", "text/html"},
    Row{"ismv", "video/mp4"},
    Row{"jpeg", "image/jpeg"},
    Row{"jpg", "image/jpeg"},
    Row{"js", "text/javascript"},
    Row{"json", "application/json"},
    Row{"m2t", "video/mp2t"},
    Row{"m2ts", "video/mp2t"},
    Row{"m2v", "video/mpeg"},
    Row{"m3u8", "application/vnd.apple.mpegurl"},
    Row{"m4a", "audio/mp4"},
    Row{"m4s", "video/iso.segment"},
    Row{"m4v", "video/mp4"},
    Row{"md", "text/markdown"},
    Row{"mj2", "video/mj2"},
    Row{"mka", "audio/x-matroska"},
    Row{"mkv", "video/x-matroska"},
    Row{"mov", "video/quicktime"},
    Row{"mp2", "audio/mpeg"},
    Row{"mp3", "audio/mpeg"},
    Row{"mp4", "video/mp4"},
    Row{"mpd", "application/dash+xml"},
    Row{"mpeg", "video/mpeg"},
    Row{"mpg", "video/mpeg"},
    Row{"mts", "video/mp2t"},
    Row{"mxf", "application/mxf"},
    Row{"oga", "audio/ogg"},
    Row{"ogg", "audio/ogg"},
    Row{"ogv", "video/ogg"},
    Row{"opus", "audio/ogg"},
    Row{"pdf", "application/pdf"},
    Row{"png", "image/png"},
    Row{"qt", "video/quicktime"},
    Row{"scc", "text/x-scc"},
    Row{"srt", "application/x-subrip"},
    Row{"ssa", "text/x-ssa"},
    Row{"svg", "image/svg+xml"},
    Row{"tar", "application/x-tar"},
    Row{"tif", "image/tiff"},
    Row{"tiff", "image/tiff"},
    Row{"ts", "video/mp2t"},
    Row{"ttml", "application/ttml+xml"},
    Row{"txt", "text/plain"},
    Row{"vob", "video/mpeg"},
    Row{"vtt", "text/vtt"},
    Row{"wav", "audio/wav"},
    Row{"weba", "audio/webm"},
    Row{"webm", "video/webm"},
    Row{"webp", "image/webp"},
    Row{"wma", "audio/x-ms-wma"},
    Row{"wmv", "video/x-ms-wmv"},
    Row{"xml", "application/xml"},
    Row{"zip", "application/zip"},
};
static_assert(std::ranges::is_sorted(kTypes, {}, &Row::extension));

}  // namespace

std::string_view content_type_for(std::string_view name) {
  constexpr std::string_view kUnknown = "application/octet-stream";
  const std::string_view file = name.substr(name.find_last_of('/') + 1);
  const std::size_t dot = file.find_last_of('.');
  // ".mp4" is a hidden file without extension.
  if (dot == std::string_view::npos || dot == 0) return kUnknown;
  const std::string extension = to_lower(file.substr(dot + 1));
  const auto row = std::ranges::lower_bound(kTypes, extension, {}, &Row::extension);
  return row != kTypes.end() && row->extension == extension ? row->type : kUnknown;
}

bool is_video(std::string_view name) {
  const std::string_view type = content_type_for(name);
  return type.starts_with("video/") || type == "application/mxf";
}

}  // namespace vodlift
