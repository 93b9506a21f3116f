// What the server refuses, over a real connection: the status, and that nothing behind a doubtful request is executed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "net/http_server.h"
#include "net/http_server_test_client.h"

namespace vodlift::net {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// Records the targets that reached the handler.
class Journal {
 public:
  Handler handler() {
    return [this](const Request& request, const Responder& respond) {
      {
        const std::lock_guard lock(mutex_);
        targets_.push_back(request.target);
      }
      echo(request, respond);
    };
  }
  std::vector<std::string> targets() {
    const std::lock_guard lock(mutex_);
    return targets_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> targets_;
};

struct Fault {
  const char* name;
  std::string bytes;
  int status;
};

const std::string kHidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";

std::string with(const std::string& fields, const std::string& body = "") {
  return "POST /doubtful HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body;
}

std::string chunked(const std::string& body) { return with("Transfer-Encoding: chunked\r\n", body); }

std::string name_of(const testing::TestParamInfo<Fault>& fault) { return fault.param.name; }

class HttpFaults : public testing::TestWithParam<Fault> {};

TEST_P(HttpFaults, IsRefusedAndClosedAndHidesNoRequest) {
  Journal journal;
  TestServer server(journal.handler());
  RawClient client = server.connect();
  client.send(GetParam().bytes + kHidden);
  const Answer answer = client.answer();
  EXPECT_EQ(answer.status, GetParam().status) << answer.body;
  EXPECT_TRUE(answer.has("Connection: close\r\n"));
  client.finish_sending();
  EXPECT_TRUE(client.closed());
  EXPECT_THAT(journal.targets(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Smuggling, HttpFaults,
    testing::Values(
        Fault{"LengthThenChunked", with("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
        Fault{"ChunkedThenLength", with("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n"), 400},
        Fault{"TwoLengths", with("Content-Length: 4\r\nContent-Length: 5\r\n", "abcd"), 400},
        Fault{"SameLengthTwice", with("Content-Length: 4\r\nContent-Length: 4\r\n", "abcd"), 400},
        Fault{"LengthList", with("Content-Length: 4, 4\r\n", "abcd"), 400},
        Fault{"NegativeLength", with("Content-Length: -1\r\n"), 400},
        Fault{"SignedLength", with("Content-Length: +4\r\n", "abcd"), 400},
        Fault{"HexLength", with("Content-Length: 0x4\r\n", "abcd"), 400},
        Fault{"LeadingZero", with("Content-Length: 004\r\n", "abcd"), 400},
        Fault{"SpacedLength", with("Content-Length: 5 5\r\n", "abcd"), 400},
        Fault{"EmptyLength", with("Content-Length: \r\n", "abcd"), 400},
        Fault{"TabbedLength", with("Content-Length:\t4\r\n", "abcd"), 400},
        Fault{"LengthOf2To64", with("Content-Length: 18446744073709551616\r\n"), 400},
        Fault{"LengthOfManyDigits", with("Content-Length: " + std::string(300, '9') + "\r\n"), 400},
        Fault{"UnknownCoding", with("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 400},
        Fault{"ChunkedNotLast", with("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), 400},
        Fault{"GzipChunked", with("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 400},
        Fault{"ChunkedTwice", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
        Fault{"ChunkedAndIdentity", with("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
              400},
        Fault{"EmptyCoding", with("Transfer-Encoding: \r\n", "0\r\n\r\n"), 400},
        Fault{"TabbedCoding", with("Transfer-Encoding: chunked\t\r\n", "0\r\n\r\n"), 400},
        Fault{"QuotedCoding", with("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), 400},
        Fault{"FoldedCoding", with("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), 400},
        Fault{"SpaceBeforeColon", with("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), 400},
        Fault{"ChunkedOnHttp10", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        Fault{"BareLineFeed", with("X: y\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
        Fault{"BareCarriageReturn", with("X: y\rTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400}),
    name_of);

INSTANTIATE_TEST_SUITE_P(Chunks, HttpFaults,
                         testing::Values(Fault{"NegativeSize", chunked("-1\r\n"), 400},
                                         Fault{"HexPrefix", chunked("0x1\r\na\r\n0\r\n\r\n"), 400},
                                         Fault{"Overflow", chunked("FFFFFFFFFFFFFFFFF\r\n"), 400},
                                         Fault{"NoSize", chunked("\r\n\r\n"), 400},
                                         Fault{"SpaceAfterSize", chunked("1 \r\na\r\n0\r\n\r\n"), 400},
                                         Fault{"BareLineFeed", chunked("1\na\r\n0\r\n\r\n"), 400},
                                         Fault{"BareLineFeedInExtension", chunked("1;x\na\r\n0\r\n\r\n"), 400},
                                         Fault{"DataTooLong", chunked("1\r\nab\r\n0\r\n\r\n"), 400},
                                         Fault{"DataWithoutEnd", chunked("1\r\na0\r\n\r\n"), 400},
                                         Fault{"BadTrailer", chunked("0\r\nno colon\r\n\r\n"), 400},
                                         Fault{"FoldedTrailer", chunked("0\r\nX: y\r\n z\r\n\r\n"), 400},
                                         Fault{"TooLarge", chunked("FFFFFFF\r\n"), 413}),
                         name_of);

INSTANTIATE_TEST_SUITE_P(
    Headers, HttpFaults,
    testing::Values(Fault{"NoHost", "GET / HTTP/1.1\r\nX: y\r\n\r\n", 400}, Fault{"TwoHosts", with("Host: b\r\n"), 400},
                    Fault{"SameHostTwice", with("Host: a\r\n"), 400},
                    Fault{"HostWithUser", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
                    Fault{"HostWithPath", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
                    Fault{"HostWithSpace", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
                    Fault{"HostWithBadPort", "GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", 400},
                    Fault{"NulInValue", with(std::string("X: a\0b\r\n", 8)), 400},
                    Fault{"ControlInValue", with("X: a\x01b\r\n"), 400}, Fault{"NoColon", with("X\r\n"), 400},
                    Fault{"EmptyName", with(": y\r\n"), 400}, Fault{"SpaceInName", with("X Y: z\r\n"), 400},
                    Fault{"NonAsciiName", with("X\xC3\xA9: z\r\n"), 400}, Fault{"ObsFold", with("X: y\r\n z\r\n"), 400},
                    Fault{"FoldAtStart", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
                    Fault{"BadConnection", with("Connection: clo se@\r\n"), 400},
                    Fault{"LongLine", with("X: " + std::string(70000, 'x') + "\r\n"), 431},
                    Fault{"LongTarget", "GET /" + std::string(1 << 20, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
                    Fault{"ManyFields",
                          [] {
                            std::string fields;
                            for (int i = 0; i < 101; ++i) fields += "X: y\r\n";
                            return with(fields);
                          }(),
                          431},
                    Fault{"Gzip", with("Content-Encoding: gzip\r\nContent-Length: 4\r\n", "abcd"), 415},
                    Fault{"IdentityThenGzip", with("Content-Encoding: identity\r\nContent-Encoding: br\r\n"), 415},
                    Fault{"UnknownExpectation", with("Expect: 200-ok\r\nContent-Length: 4\r\n", "abcd"), 417},
                    Fault{"TenGibibytes", with("Content-Length: 10737418240\r\n"), 413},
                    Fault{"OneByteTooMany", with("Content-Length: 131073\r\n"), 413}),
    name_of);

INSTANTIATE_TEST_SUITE_P(RequestLines, HttpFaults,
                         testing::Values(Fault{"Http09", "GET /\r\n\r\n", 400},
                                         Fault{"Http20", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
                                         Fault{"Http12", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
                                         Fault{"LowerCaseVersion", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
                                         Fault{"TlsHello", std::string("\x16\x03\x01\x02\x00\x01\x00\x01", 8), 400},
                                         Fault{"Binary", std::string("\xFF\xFE\x00\x01", 4), 400},
                                         Fault{"TwoSpaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
                                         Fault{"Tab", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
                                         Fault{"TrailingSpace", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
                                         Fault{"NoTarget", "GET HTTP/1.1\r\nHost: a\r\n\r\n", 400},
                                         Fault{"NoSlash", "GET stable/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
                                         Fault{"StarForGet", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
                                         Fault{"Fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
                                         Fault{"RawUtf8", "GET /\xC3\xA9 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
                                         Fault{"OtherScheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
                                         Fault{"UserInTarget", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
                                         Fault{"TwoEmptyLines", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400}),
                         name_of);

TEST(HttpFaultAnswers, CarryTheCallersBody) {
  TestServer server;
  RawClient client = server.connect();
  client.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_THAT(client.answer().body, HasSubstr("bad_request: The header Host is missing"));
}

TEST(HttpFaultAnswers, TooLargeIsToldBeforeTheBodyIsSent) {
  TestServer server;
  RawClient client = server.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.answer().status, 413);
}

TEST(HttpFaultAnswers, ReachAClientThatIsStillSending) {
  TestServer server;
  RawClient client = server.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n");
  const std::string piece(100000, 'x');
  for (int i = 0; i < 100; ++i) client.send(piece);
  EXPECT_EQ(client.answer().status, 413);
}

TEST(HttpFaultAnswers, SurviveAFaultBodyThatThrows) {
  HttpServer server("http", {}, 1, echo,
                    [](Errc, std::string_view) -> Response { throw std::runtime_error("broken"); });
  ASSERT_TRUE(server.listen("127.0.0.1:0"));
  server.start();
  RawClient client(server.address());
  client.send("nonsense\r\n\r\n");
  const Answer answer = client.answer();
  EXPECT_EQ(answer.status, 400);
  EXPECT_TRUE(answer.has("Content-Type: text/plain"));
}

TEST(HttpFaultAnswers, ARequestThatComesAfterAnswersIsJudgedOnItsOwn) {
  Journal journal;
  TestServer server(journal.handler());
  RawClient client = server.connect();
  client.send(post("x") + "\r\n" + post("y") + with("Content-Length: 1\r\nContent-Length: 1\r\n", "a") + kHidden);
  EXPECT_EQ(client.answer().status, 200);
  EXPECT_EQ(client.answer().status, 200);
  EXPECT_EQ(client.answer().status, 400);
  EXPECT_EQ(journal.targets().size(), 2u);
}

}  // namespace
}  // namespace vodlift::net
