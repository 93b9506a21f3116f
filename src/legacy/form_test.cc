#include "legacy/form.h"

#include <gtest/gtest.h>

#include "legacy/multipart.h"

namespace vodlift::legacy {
namespace {

constexpr std::string_view kUrlencoded = "application/x-www-form-urlencoded";

// The field's value, or the error's name.
std::string read(std::string_view type, std::string body) {
  const auto form = parse_form(type, body);
  if (!form) return "refused: " + std::string(info(form.error().code).name);
  return std::string(form->field == Form::Field::json ? "json=" : "php=") + std::string(form->value);
}
std::string urlencoded(std::string body) { return read(kUrlencoded, std::move(body)); }
std::string multipart(std::string body) { return read("multipart/form-data; boundary=XX", std::move(body)); }

std::string part(std::string_view headers, std::string_view value) {
  return "--XX\r\n" + std::string(headers) + "\r\n\r\n" + std::string(value) + "\r\n";
}
constexpr std::string_view kJson = "Content-Disposition: form-data; name=\"json\"";
const std::string kEnd = "--XX--\r\n";

TEST(UrlencodedForm, DecodesTheField) {
  EXPECT_EQ(urlencoded("json=%7B%22a%22%3A%22%2B%2f+%C3%BC%22%7d"), "json={\"a\":\"+/ ü\"}");
  EXPECT_EQ(urlencoded("a=b&json={}&c"), "json={}");
  EXPECT_EQ(urlencoded("php=a%3A0"), "php=a:0");
  EXPECT_EQ(urlencoded("js%6Fn={}"), "json={}");
  EXPECT_EQ(urlencoded("json=a=b"), "json=a=b");
  EXPECT_EQ(urlencoded("json"), "json=");
  EXPECT_EQ(urlencoded("&&json=x&"), "json=x");
  EXPECT_EQ(read("Application/X-WWW-Form-Urlencoded; charset=UTF-8", "json=x"), "json=x");
}

TEST(UrlencodedForm, A01ToA04WantOneField) {
  EXPECT_EQ(urlencoded(""), "refused: missing_field");
  EXPECT_EQ(read("", ""), "refused: missing_field");
  EXPECT_EQ(urlencoded("=&a=b&JSON=x"), "refused: missing_field");
  EXPECT_EQ(urlencoded("json=x&php=x"), "refused: invalid_value");
  EXPECT_EQ(urlencoded("json=x&json=x"), "refused: invalid_value");
  EXPECT_EQ(urlencoded("php=x&js%6fn=y"), "refused: invalid_value");
}

TEST(UrlencodedForm, A32RefusesBrokenEscapesAndManyFields) {
  EXPECT_EQ(urlencoded("json=%zz"), "refused: bad_request");
  EXPECT_EQ(urlencoded("json=%"), "refused: bad_request");
  EXPECT_EQ(urlencoded("json=%4"), "refused: bad_request");
  EXPECT_EQ(urlencoded("json=x&%=1"), "refused: bad_request");
  EXPECT_EQ(urlencoded("json=%00"), std::string("json=\0", 6));
  std::string many;
  for (int i = 0; i < 10000; ++i) many += "a=b&";
  EXPECT_EQ(urlencoded(many), "refused: too_large");
}

TEST(MultipartForm, ReadsWhatClientsSend) {
  EXPECT_EQ(multipart(part(kJson, "{\"a\":1}") + kEnd), "json={\"a\":1}");
  EXPECT_EQ(multipart(part(kJson, "") + kEnd), "json=");
  EXPECT_EQ(multipart(part(kJson, "a\r\nb\n--X\r\n--") + kEnd), "json=a\r\nb\n--X\r\n--");
  EXPECT_EQ(multipart(part(kJson, "x") + "--XX--"), "json=x");
  EXPECT_EQ(multipart(part("content-disposition:form-data;name=json", "x") + kEnd), "json=x");
  EXPECT_EQ(multipart(part("Content-Disposition: form-data; name=\"other\"", "y") + part(kJson, "x") + kEnd), "json=x");
  EXPECT_EQ(read("multipart/form-data; boundary=\"a b:c\"",
                 "--a b:c\r\n" + std::string(kJson) + "\r\n\r\nx\r\n--a b:c--\r\n"),
            "json=x");
  // Guzzle sends the length; Java's HttpClient sends the charset and an encoding that changes nothing.
  EXPECT_EQ(
      multipart(part(std::string(kJson) + "\r\nContent-Length: 1\r\nContent-Type: text/plain; charset=ISO-8859-1\r\n"
                                          "Content-Transfer-Encoding: 8bit",
                     "x") +
                kEnd),
      "json=x");
}

TEST(MultipartForm, A25HasABoundaryAndSkipsWhatIsAround) {
  EXPECT_EQ(read("multipart/form-data", "x"), "refused: bad_request");
  EXPECT_EQ(read("multipart/form-data; boundary=", "x"), "refused: bad_request");
  EXPECT_EQ(read("multipart/form-data; boundary=\"\"", "x"), "refused: bad_request");
  EXPECT_EQ(read("multipart/form-data; boundary=\"x \"", "x"), "refused: bad_request");
  EXPECT_EQ(read("multipart/form-data; boundary=\"a\xC3\xBC\"", "x"), "refused: bad_request");
  // Old clients send boundaries with characters that need quotes, and no quotes.
  for (const std::string_view boundary : {"=_part_=", "==1234567890==", "a/b", "a:b", "a?b", "(a)", "a=b=", "'a'",
                                          "*****", "$#@!~^&|", "{b}", "[b]", "a<b>", "%%", "`b`"}) {
    const std::string line = "--" + std::string(boundary);
    for (const std::string_view more : {"", "; charset=utf-8", " "}) {
      EXPECT_EQ(read("multipart/form-data; boundary=" + std::string(boundary) + std::string(more),
                     line + "\r\n" + std::string(kJson) + "\r\n\r\nx\r\n" + line + "--\r\n"),
                "json=x")
          << boundary << more;
    }
  }
  // RFC 1867, which the oldest clients follow, has a comma after the type.
  for (const std::string_view type : {"multipart/form-data, boundary=XX", "multipart/form-data; boundary = XX",
                                      "multipart/form-data; charset=; boundary=XX"}) {
    EXPECT_EQ(read(std::string(type), part(kJson, "x") + kEnd), "json=x") << type;
  }
  for (const std::string_view bad : {"a,b", "a, charset=x", ",", "a\"b", "a b", "a\\b", "a\x7f", "a; boundary=a"}) {
    EXPECT_EQ(read("multipart/form-data; boundary=" + std::string(bad),
                   "--a\r\n" + std::string(kJson) + "\r\n\r\nx\r\n--a--\r\n"),
              "refused: bad_request")
        << bad;
  }
  const std::string longest(70, 'b');
  const std::string body = "\r\n" + std::string(kJson) + "\r\n\r\nx\r\n--";
  EXPECT_EQ(read("multipart/form-data; boundary=" + longest, "--" + longest + body + longest + "--"), "json=x");
  EXPECT_EQ(read("multipart/form-data; boundary=b" + longest, "--b" + longest + body + "b" + longest + "--"),
            "refused: bad_request");
  EXPECT_EQ(multipart("preamble\r\n" + part(kJson, "x") + kEnd + "epilogue --XX"), "json=x");
  EXPECT_EQ(multipart(part(kJson, "a\r\n--XXY\r\nb") + kEnd), "refused: bad_request");
  EXPECT_EQ(multipart("no boundary at all"), "refused: bad_request");
}

TEST(MultipartForm, A26BoundsPartsAndHeaders) {
  std::string parts;
  for (int i = 0; i < 10000; ++i) parts += part("Content-Disposition: form-data; name=\"a\"", "");
  EXPECT_EQ(multipart(parts + kEnd), "refused: too_large");
  std::string headers(kJson);
  for (int i = 0; i < 10000; ++i) headers += "\r\nX-A: b";
  EXPECT_EQ(multipart(part(headers, "x") + kEnd), "refused: too_large");
  EXPECT_EQ(multipart(part(std::string(kJson) + "\r\nX-A: " + std::string(2000, 'a'), "x") + kEnd),
            "refused: too_large");
}

TEST(MultipartForm, A27RefusesTruncatedAndLfOnlyBodies) {
  const std::string whole = part(kJson, "{\"a\":1}") + "--XX--";
  for (std::size_t size = 1; size < whole.size(); ++size) {
    EXPECT_EQ(multipart(whole.substr(0, size)), "refused: bad_request") << size;
  }
  std::string lf;
  for (const char c : whole) {
    if (c != '\r') lf += c;
  }
  EXPECT_EQ(multipart(lf), "refused: bad_request");
}

TEST(MultipartForm, A28ReadsNameAndFilenameOnly) {
  EXPECT_EQ(multipart(part(std::string(kJson) + "; filename=\"json.txt\"", "x") + kEnd), "json=x");
  for (const std::string_view more : {"; filename*=UTF-8''json.txt", "; filename=\xC3\xA9.txt", "; filename=",
                                      "; size=12", "; creation-date=\"Wed, 12 Feb 1997 16:29:51 -0500\""}) {
    EXPECT_EQ(multipart(part(std::string(kJson) + std::string(more), "x") + kEnd), "json=x") << more;
  }
  for (const std::string_view more : {"; charset=utf-8", "; name*=UTF-8''json", "; name*0=json", "; name=\"json\"",
                                      "; Name=json", "; x", "; =x", ";;", " x"}) {
    EXPECT_EQ(multipart(part(std::string(kJson) + std::string(more), "x") + kEnd), "refused: bad_request") << more;
  }
  for (const std::string_view header :
       {"Content-Disposition: attachment; name=\"json\"", "Content-Disposition: form-data",
        "Content-Disposition:", "X-A: b", "Content-Disposition: form-data; name=\"json",
        "Content-Disposition : form-data; name=\"json\"", ": form-data; name=\"json\"",
        "Content-Disposition: form-data; name=\"json\"\r\nContent-Disposition: form-data; name=\"json\"",
        "Content-Disposition: form-data;\r\n name=\"json\"", "Content-Disposition: form-data; name=\"js\non\""}) {
    EXPECT_EQ(multipart(part(header, "x") + kEnd), "refused: bad_request") << header;
  }
}

TEST(MultipartForm, A29RefusesEncodingsAndForeignCharsets) {
  for (const std::string_view more :
       {"Content-Transfer-Encoding: base64", "Content-Transfer-Encoding: quoted-printable",
        "Content-Type: application/json; charset=utf-16", "Content-Type: application/json; charset=UTF-16LE",
        "Content-Type: text/plain; charset=utf-32", "Content-Type: text/plain; charset=\"utf-7\""}) {
    EXPECT_EQ(multipart(part(std::string(kJson) + "\r\n" + std::string(more), "x") + kEnd), "refused: bad_request")
        << more;
  }
  for (const std::string_view type :
       {" text/plain; charset=utf8", " text/plain; charset=ascii", "",
        " text/plain; charset=", " text/plain; charset=windows-1252", " text/plain; charset=latin1"}) {
    const std::string more = "\r\nContent-Type:" + std::string(type);
    EXPECT_EQ(multipart(part(std::string(kJson) + more, "x") + kEnd), "json=x") << type;
  }
}

TEST(MultipartForm, A30ReadsEscapesInNamesOneWay) {
  EXPECT_EQ(multipart(part("Content-Disposition: form-data; name=\"js\\on\"", "x") + kEnd), "json=x");
  EXPECT_EQ(multipart(part("Content-Disposition: form-data; name=\"js%6fn\"", "x") + kEnd), "refused: missing_field");
  EXPECT_EQ(multipart(part("Content-Disposition: form-data; name=\"a\\\"; x=\\\"\"", "y") + part(kJson, "x") + kEnd),
            "json=x");
}

TEST(MultipartForm, RefusesAFieldTwice) {
  EXPECT_EQ(multipart(part(kJson, "x") + part(kJson, "x") + kEnd), "refused: invalid_value");
  EXPECT_EQ(multipart(part(kJson, "x") + part("Content-Disposition: form-data; name=php", "x") + kEnd),
            "refused: invalid_value");
}

TEST(Form, A07RefusesOtherTypes) {
  for (const std::string_view type : {"", "text/plain", "application/json", "multipart/mixed; boundary=XX", "/"}) {
    EXPECT_EQ(read(type, "json=x"), "refused: unsupported_media_type") << type;
  }
  for (const std::string_view type : {";", "multipart/form-data;;"}) {
    EXPECT_EQ(read(type, "json=x"), "refused: bad_request") << type;
  }
}

TEST(HeaderValue, IsTakenApart) {
  const auto value = parse_header_value(R"( Form-Data ; Name="a\"b;c" ; x=y; )");
  ASSERT_TRUE(value);
  EXPECT_EQ(value->value, "form-data");
  EXPECT_EQ(*value->param("name"), "a\"b;c");
  EXPECT_EQ(*value->param("x"), "y");
  EXPECT_EQ(value->param("z"), nullptr);
  EXPECT_FALSE(parse_header_value(R"(a; b="c\)"));
  EXPECT_FALSE(parse_header_value("a; b=1; c=1; d=1; e=1; f=1; g=1; h=1; i=1; j=1"));
}

}  // namespace
}  // namespace vodlift::legacy
