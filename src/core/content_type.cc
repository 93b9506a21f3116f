#include "core/content_type.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/text.h"

namespace vodlift {
namespace {

struct KnownType {
  std::string_view extension;
  std::string_view type;
};

// By extension, for binary search. Types as IANA registers them; otherwise those that players and browsers use.
constexpr std::array kTypes = {
    KnownType{"3g2", "video/3gpp2"},
    KnownType{"3gp", "video/3gpp"},
    KnownType{"aac", "audio/aac"},
    KnownType{"ac3", "audio/ac3"},
    KnownType{"aif", "audio/aiff"},
    KnownType{"aiff", "audio/aiff"},
    KnownType{"asf", "video/x-ms-asf"},
    KnownType{"ass", "text/x-ssa"},
    KnownType{"avi", "video/x-msvideo"},
    KnownType{"avif", "image/avif"},
    KnownType{"bmp", "image/bmp"},
    KnownType{"css", "text/css"},
    KnownType{"csv", "text/csv"},
    KnownType{"dfxp", "application/ttml+xml"},
    KnownType{"dv", "video/dv"},
    KnownType{"eac3", "audio/eac3"},
    KnownType{"f4v", "video/mp4"},
    KnownType{"flac", "audio/flac"},
    KnownType{"flv", "video/x-flv"},
    KnownType{"gif", "image/gif"},
    KnownType{"gz", "application/gzip"},
    KnownType{"heic", "image/heic"},
    KnownType{"htm", "text/html"},
    KnownType{"html", "text/html"},
    KnownType{"ismv", "video/mp4"},
    KnownType{"jpeg", "image/jpeg"},
    KnownType{"jpg", "image/jpeg"},
    KnownType{"js", "text/javascript"},
    KnownType{"json", "application/json"},
    KnownType{"m2t", "video/mp2t"},
    KnownType{"m2ts", "video/mp2t"},
    KnownType{"m2v", "video/mpeg"},
    KnownType{"m3u8", "application/vnd.apple.mpegurl"},
    KnownType{"m4a", "audio/mp4"},
    KnownType{"m4s", "video/iso.segment"},
    KnownType{"m4v", "video/mp4"},
    KnownType{"md", "text/markdown"},
    KnownType{"mj2", "video/mj2"},
    KnownType{"mka", "audio/x-matroska"},
    KnownType{"mkv", "video/x-matroska"},
    KnownType{"mov", "video/quicktime"},
    KnownType{"mp2", "audio/mpeg"},
    KnownType{"mp3", "audio/mpeg"},
    KnownType{"mp4", "video/mp4"},
    KnownType{"mpd", "application/dash+xml"},
    KnownType{"mpeg", "video/mpeg"},
    KnownType{"mpg", "video/mpeg"},
    KnownType{"mts", "video/mp2t"},
    KnownType{"mxf", "application/mxf"},
    KnownType{"oga", "audio/ogg"},
    KnownType{"ogg", "audio/ogg"},
    KnownType{"ogv", "video/ogg"},
    KnownType{"opus", "audio/ogg"},
    KnownType{"pdf", "application/pdf"},
    KnownType{"png", "image/png"},
    KnownType{"qt", "video/quicktime"},
    KnownType{"scc", "text/x-scc"},
    KnownType{"srt", "application/x-subrip"},
    KnownType{"ssa", "text/x-ssa"},
    KnownType{"svg", "image/svg+xml"},
    KnownType{"tar", "application/x-tar"},
    KnownType{"tif", "image/tiff"},
    KnownType{"tiff", "image/tiff"},
    KnownType{"ts", "video/mp2t"},
    KnownType{"ttml", "application/ttml+xml"},
    KnownType{"txt", "text/plain"},
    KnownType{"vob", "video/mpeg"},
    KnownType{"vtt", "text/vtt"},
    KnownType{"wav", "audio/wav"},
    KnownType{"weba", "audio/webm"},
    KnownType{"webm", "video/webm"},
    KnownType{"webp", "image/webp"},
    KnownType{"wma", "audio/x-ms-wma"},
    KnownType{"wmv", "video/x-ms-wmv"},
    KnownType{"xml", "application/xml"},
    KnownType{"zip", "application/zip"},
};
static_assert(std::ranges::is_sorted(kTypes, {}, &KnownType::extension));

}  // namespace

std::string_view content_type_for(std::string_view name) {
  constexpr std::string_view kUnknown = "application/octet-stream";
  const std::string_view file = name.substr(name.find_last_of('/') + 1);
  const std::size_t dot = file.find_last_of('.');
  // ".mp4" is a hidden file without extension.
  if (dot == std::string_view::npos || dot == 0) return kUnknown;
  const std::string extension = to_lower(file.substr(dot + 1));
  const auto row = std::ranges::lower_bound(kTypes, extension, {}, &KnownType::extension);
  return row != kTypes.end() && row->extension == extension ? row->type : kUnknown;
}

bool is_video(std::string_view name) {
  const std::string_view type = content_type_for(name);
  return type.starts_with("video/") || type == "application/mxf";
}

}  // namespace vodlift
