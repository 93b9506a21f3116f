#include "core/content_type.h"

#include <gtest/gtest.h>

namespace vodlift {
namespace {

TEST(ContentType, KnowsVideoAndItsCompanions) {
  EXPECT_EQ(content_type_for("film.mp4"), "video/mp4");
  EXPECT_EQ(content_type_for("a/b/film.mov"), "video/quicktime");
  EXPECT_EQ(content_type_for("film.mxf"), "application/mxf");
  EXPECT_EQ(content_type_for("film.ts"), "video/mp2t");
  EXPECT_EQ(content_type_for("film.m2ts"), "video/mp2t");
  EXPECT_EQ(content_type_for("film.mkv"), "video/x-matroska");
  EXPECT_EQ(content_type_for("film.webm"), "video/webm");
  EXPECT_EQ(content_type_for("live.m3u8"), "application/vnd.apple.mpegurl");
  EXPECT_EQ(content_type_for("live.mpd"), "application/dash+xml");
  EXPECT_EQ(content_type_for("part-1.m4s"), "video/iso.segment");
  EXPECT_EQ(content_type_for("de.vtt"), "text/vtt");
  EXPECT_EQ(content_type_for("poster.webp"), "image/webp");
  EXPECT_EQ(content_type_for("list.zip"), "application/zip");
  EXPECT_EQ(content_type_for("clip.3g2"), "video/3gpp2");
}

TEST(ContentType, SeparatesVideoFromTheRest) {
  for (const std::string_view name : {"film.mp4", "a/FILM.MKV", "film.mxf", "film.ts", "x.y.webm"}) {
    EXPECT_TRUE(is_video(name)) << name;
  }
  for (const std::string_view name : {"live.m3u8", "de.vtt", "song.mp3", "film.mp4.part", ".mp4", "film", ""}) {
    EXPECT_FALSE(is_video(name)) << name;
  }
}

TEST(ContentType, FoldsCase) { EXPECT_EQ(content_type_for("a/FILM.Mp4"), "video/mp4"); }

TEST(ContentType, IsOctetStreamForUnknownExtensions) {
  for (const std::string_view name :
       {"", "film", "film.", "film.unknown", ".mp4", "a/.mp4", "a.mp4/film", "mp4", "é.é"}) {
    EXPECT_EQ(content_type_for(name), "application/octet-stream") << name;
  }
}

}  // namespace
}  // namespace vodlift
