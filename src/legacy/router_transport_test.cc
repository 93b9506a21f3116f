// Which errors have a status of HTTP's own, and which never have.
#include "legacy/router_test.h"

namespace vodlift::legacy {
namespace {

std::string header_of(const net::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

class RouterTransport : public RouterTest {
 protected:
  // HTTP status and API code: "404 0000".
  std::string fault_of(net::Request request) {
    const net::Response response = ask(std::move(request));
    const auto envelope = envelope_of(response);
    EXPECT_EQ(envelope.at("status"), "failure");
    return std::to_string(response.status) + " " + text_at(envelope, "code");
  }
  net::Request good(std::string target = "/stable/") {
    return form_request(signed_json(call_text("aws.status")), std::move(target));
  }
};

TEST_F(RouterTransport, ServesTheEndpointsClientsUse) {
  for (const std::string_view target :
       {"/stable/", "/stable", "/dev/", "/dev", "/stable/?x=1", "/stable?x", "http://api.example/stable/",
        "HTTP://h/dev", "//stable", "/stable//", "///dev//?a=//b", "http://h//stable//"}) {
    const net::Response response = ask(good(std::string(target)));
    EXPECT_EQ(response.status, 200) << target;
    EXPECT_EQ(verdict(envelope_of(response)), "success") << target;
    EXPECT_EQ(header_of(response, "X-Content-Type-Options"), "nosniff");
  }
}

TEST_F(RouterTransport, A06KnowsNoOtherPath) {
  for (const std::string_view target : {"/", "//", "", "*", "/stable/x", "/stable//x", "/STABLE/", "/%73table/",
                                        "/stablee", "?/stable/", "http://stable/", "http://h", "/x://h/stable/"}) {
    EXPECT_EQ(fault_of(good(std::string(target))), "404 0000") << target;
  }
}

TEST_F(RouterTransport, A05KnowsNoOtherMethod) {
  for (const std::string_view method : {"GET", "HEAD", "PUT", "DELETE", "TRACE", "OPTIONS", "post"}) {
    net::Request request = good();
    request.method = method;
    const net::Response response = ask(std::move(request));
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(header_of(response, "Allow"), "POST") << method;
  }
}

TEST_F(RouterTransport, A07A08RefusesOtherTypesAndEncodings) {
  net::Request request = good();
  request.headers = {{"content-type", "application/json"}};
  EXPECT_EQ(fault_of(request), "415 2001");
  request.headers = {};
  EXPECT_EQ(fault_of(request), "415 2001");
  for (const std::string_view encoding : {"gzip", "deflate", "br", "identity, gzip"}) {
    request = good();
    request.headers.emplace_back("content-encoding", encoding);
    EXPECT_EQ(fault_of(request), "415 2001") << encoding;
  }
  request = good();
  request.headers.emplace_back("content-encoding", "Identity");
  EXPECT_EQ(verdict(envelope_of(ask(request))), "success");
  request = good();
  request.headers.emplace_back("content-type", "multipart/form-data; boundary=x");
  EXPECT_EQ(fault_of(request), "400 2001");
}

TEST_F(RouterTransport, TellsABrokenFormByHttp) {
  net::Request request = good();
  request.body = "json=%zz";
  EXPECT_EQ(fault_of(request), "400 2001");
  request.headers = {{"content-type", "multipart/form-data; boundary=XX"}};
  request.body = "--XX\r\n";
  EXPECT_EQ(fault_of(request), "400 2001");
  request = good();
  request.body.clear();
  for (int i = 0; i < 100; ++i) request.body += "a=b&";
  EXPECT_EQ(fault_of(request), "413 2001");
}

TEST_F(RouterTransport, A01ToA04TellAFormWithoutItsFieldInTheEnvelope) {
  net::Request request = good();
  for (const auto& [body, answer] : std::map<std::string, std::string>{
           {"", "200 0006"}, {"x=y", "200 0006"}, {"json=1&php=1", "200 2001"}, {"json=1&json=1", "200 2001"}}) {
    request.body = body;
    EXPECT_EQ(fault_of(request), answer) << body;
  }
  request.headers = {};
  request.body = "";
  EXPECT_EQ(fault_of(request), "200 0006");
}

TEST_F(RouterTransport, TakesMultipart) {
  const std::string json = signed_json(call_text("aws.upload", kUploadFields));
  net::Request request = good();
  request.headers = {{"content-type", "multipart/form-data; boundary=------------------------2f3a"}};
  request.body = "--------------------------2f3a\r\nContent-Disposition: form-data; name=\"json\"\r\n\r\n" + json +
                 "\r\n--------------------------2f3a--\r\n";
  const auto envelope = envelope_of(ask(request));
  EXPECT_EQ(verdict(envelope), "success");
  EXPECT_EQ(envelope.at("data"), 1);
}

TEST_F(RouterTransport, FaultsOfTheServerHaveTheSameEnvelope) {
  const net::Response response = fault(Errc::headers_too_large, "the header has more than 16384 bytes <x>");
  EXPECT_EQ(response.status, 431);
  EXPECT_EQ(
      response.body,
      R"({"message":"the header has more than 16384 bytes \u003cx\u003e","status":"failure","code":"2001","data":0,)"
      R"("handle_time":0.000000})");
  EXPECT_EQ(fault(Errc::shutting_down, "x").status, 503);
  EXPECT_EQ(header_of(fault(Errc::method_not_allowed, "x"), "Allow"), "POST");
}

// The body of the one answer that `answer` gives through a Reply.
template <class Answer>
std::string body_of(Answer answer) {
  std::string body;
  CallMetrics metrics;
  Reply reply([&body](const net::Response& response) { body = response.body; }, std::chrono::steady_clock::now(),
              metrics);
  answer(reply);
  return body;
}

TEST_F(RouterTransport, EnvelopesStayValidWhateverTheirText) {
  EXPECT_TRUE(
      fault(Errc::unknown_command, "\"\\\n\x01<&>")
          .body.starts_with(
              R"({"message":"\"\\\u000a\u0001\u003c\u0026\u003e","status":"failure","code":"0000","data":0,"handle_time":0.0)"));
  EXPECT_NO_THROW(boost::json::parse(fault(Errc::internal, "bad \xFF byte").body));
  EXPECT_LT(fault(Errc::internal, std::string(100000, 'x')).body.size(), 4096U);
  EXPECT_TRUE(body_of([](Reply& reply) {
                reply.success("m", 7, {{"total", 1}});
              }).starts_with(R"({"message":"m","status":"success","data":7,"total":1,"handle_time":0.)"));
}

}  // namespace
}  // namespace vodlift::legacy
