#include "s3/aws_credential_loader.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <mutex>

#include "net/http_server.h"
#include "s3/credential_services.h"

namespace vodlift::s3 {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kRole = "arn:aws:iam::123456789012:role/up";

std::string document(std::string_view key) {
  return fmt::format(
      R"({{"Code":"Success","AccessKeyId":"{}","SecretAccessKey":"s","Token":"t","Expiration":"2999-01-01T00:00:00Z"}})",
      key);
}

std::string sts_answer(std::string_view action, std::string_view key) {
  return fmt::format(
      "<{0}Response><{0}Result><Credentials><AccessKeyId>{1}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
      "<SessionToken>t</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></{0}Result>"
      "</{0}Response>",
      action, key);
}

// IMDS, a container's endpoint and STS in one server on loopback.
class AwsCredentialLoaderTest : public ::testing::Test {
 protected:
  AwsCredentialLoaderTest()
      : server_(
            "http", {}, 1,
            [this](const net::Request& request, const net::Responder& respond) {
              const std::lock_guard lock(mutex_);
              seen_.push_back(request);
              respond(answer(request));
            },
            [](Errc, std::string_view message) {
              return net::Response{400, "text/plain", std::string(message), {}};
            }),
        client_("test-cred", 2),
        folder_(std::filesystem::temp_directory_path() / ("vodlift-cred-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~AwsCredentialLoaderTest() override { std::filesystem::remove_all(folder_); }
  void SetUp() override {
    ASSERT_TRUE(server_.listen("127.0.0.1:0"));
    server_.start();
    origin_ = "http://" + server_.address();
    variables_ = {{"AWS_EC2_METADATA_SERVICE_ENDPOINT", origin_ + "/"},
                  {"AWS_ENDPOINT_URL_STS", origin_},
                  {"AWS_SHARED_CREDENTIALS_FILE", (folder_ / "credentials").string()},
                  {"AWS_CONFIG_FILE", (folder_ / "config").string()}};
    access_.region = "eu-west-1";
  }
  void TearDown() override {
    client_.stop();
    server_.stop(0ms);
  }

  net::Response answer(const net::Request& request) const {
    if (refuse_ != 0) return {refuse_, "text/plain", "", {}};
    if (request.method == "PUT" && request.target == "/latest/api/token") {
      const bool good = request.header("x-aws-ec2-metadata-token-ttl-seconds") == "21600";
      return {good ? 200 : 400, "text/plain", "imds-token", {}};
    }
    if (request.target.starts_with("/latest/")) {
      if (request.header("x-aws-ec2-metadata-token") != "imds-token") return {401, "text/plain", "", {}};
      if (request.target.ends_with('/')) return {200, "text/plain", "uploader\n", {}};
      return {200, "application/json", document("IMDS"), {}};
    }
    if (request.target == "/container") return {200, "application/json", document("ECS"), {}};
    if (request.body.find("Action=AssumeRoleWithWebIdentity&") != std::string::npos) {
      return {200, "text/xml", sts_answer("AssumeRoleWithWebIdentity", "WEB"), {}};
    }
    return {200, "text/xml", sts_answer("AssumeRole", "ROLE"), {}};
  }

  Result<Credentials> load(CredentialSource source) {
    access_.credentials.source = source;
    const AwsEnvironment environment(variables_);
    return AwsCredentialLoader(client_, environment, clock_).load(access_);
  }
  std::string key(CredentialSource source) {
    const auto found = load(source);
    return found ? found->access_key : found.error().message;
  }
  void write(const char* name, std::string_view text) const { std::ofstream(folder_ / name) << text; }

  std::mutex mutex_;
  std::vector<net::Request> seen_;
  int refuse_ = 0;
  net::HttpServer server_;
  net::HttpClient client_;
  const std::filesystem::path folder_;
  SystemClock clock_;
  std::string origin_;
  std::map<std::string, std::string> variables_;
  BucketAccess access_;
};

TEST_F(AwsCredentialLoaderTest, Environment) {
  EXPECT_THAT(key(CredentialSource::environment), HasSubstr("AWS_ACCESS_KEY_ID"));
  variables_["AWS_ACCESS_KEY_ID"] = "ENV";
  EXPECT_THAT(key(CredentialSource::environment), HasSubstr("AWS_SECRET_ACCESS_KEY"));
  variables_["AWS_SECRET_ACCESS_KEY"] = "s";
  variables_["AWS_SESSION_TOKEN"] = "t";
  const auto found = load(CredentialSource::environment);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->access_key, "ENV");
  EXPECT_EQ(found->session_token.reveal(), "t");
  variables_["AWS_SESSION_TOKEN"] = "t\nX-Evil: 1";
  EXPECT_FALSE(load(CredentialSource::environment));
}

TEST_F(AwsCredentialLoaderTest, InstanceByImdsV2Only) {
  const auto found = load(CredentialSource::instance);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->access_key, "IMDS");
  EXPECT_EQ(found->origin, "the instance's role uploader");
  ASSERT_EQ(seen_.size(), 3U);
  EXPECT_EQ(seen_[0].method + " " + seen_[0].target, "PUT /latest/api/token");
  EXPECT_EQ(seen_[2].target, "/latest/meta-data/iam/security-credentials/uploader");
}

TEST_F(AwsCredentialLoaderTest, InstanceRefusedOrSwitchedOff) {
  refuse_ = 403;
  EXPECT_EQ(load(CredentialSource::instance).error().code, Errc::s3_credential);
  EXPECT_EQ(seen_.size(), 1U) << "never without a token";
  refuse_ = 500;
  EXPECT_EQ(load(CredentialSource::instance).error().code, Errc::s3_transient);
  EXPECT_EQ(seen_.size(), 4U) << "three tries";
  variables_["AWS_EC2_METADATA_DISABLED"] = "TRUE";
  EXPECT_THAT(key(CredentialSource::instance), HasSubstr("AWS_EC2_METADATA_DISABLED"));
  EXPECT_EQ(seen_.size(), 4U);
}

TEST_F(AwsCredentialLoaderTest, Container) {
  EXPECT_THAT(key(CredentialSource::container), HasSubstr("AWS_CONTAINER_CREDENTIALS_FULL_URI"));
  variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = origin_ + "/container";
  variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "Basic abc";
  EXPECT_EQ(key(CredentialSource::container), "ECS");
  EXPECT_EQ(seen_.back().header("authorization"), "Basic abc");
  write("token", "from the file\n");
  variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = (folder_ / "token").string();
  EXPECT_EQ(key(CredentialSource::container), "ECS");
  EXPECT_EQ(seen_.back().header("authorization"), "from the file");
  variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = (folder_ / "absent").string();
  EXPECT_THAT(key(CredentialSource::container), HasSubstr("TOKEN_FILE"));
}

TEST(ContainerUrl, PlainHttpIsAllowedOnlyToTrustedAddresses) {
  for (const std::string_view good :
       {"https://example.com/creds", "http://127.0.0.1:80/x", "http://127.1.2.3/x", "http://localhost/x",
        "http://[::1]:8080/x", "http://169.254.170.2/v2/x", "http://169.254.170.23/v1/x", "http://[fd00:ec2::23]/v1"}) {
    EXPECT_TRUE(check_container_url(good)) << good;
  }
  for (const std::string_view bad :
       {"", "example.com/x", "ftp://127.0.0.1/x", "http://example.com/x", "http://169.254.169.254/x",
        "http://127.0.0.1@evil.example/x", "http://127.0.0.1.evil.example/x", "http://localhost.evil.example/x",
        "http:///x", "https://user@host/x", "http://127.0.0.1\\@evil.example/x", "http://127.0.0.1 evil/x",
        "http://0x7f.1/x", "http://[::ffff:169.254.169.254]/x"}) {
    EXPECT_FALSE(check_container_url(bad)) << bad;
  }
}

TEST_F(AwsCredentialLoaderTest, WebIdentityReadsTheTokenEachTime) {
  EXPECT_THAT(key(CredentialSource::web_identity), HasSubstr("AWS_WEB_IDENTITY_TOKEN_FILE"));
  variables_["AWS_WEB_IDENTITY_TOKEN_FILE"] = (folder_ / "jwt").string();
  variables_["AWS_ROLE_ARN"] = kRole;
  EXPECT_THAT(key(CredentialSource::web_identity), HasSubstr("web identity token"));
  write("jwt", "a.b+c\n");
  EXPECT_EQ(key(CredentialSource::web_identity), "WEB");
  EXPECT_THAT(seen_.back().body, HasSubstr("&WebIdentityToken=a.b%2Bc"));
  EXPECT_TRUE(seen_.back().header("authorization").empty());
  write("jwt", "second");
  EXPECT_EQ(key(CredentialSource::web_identity), "WEB");
  EXPECT_THAT(seen_.back().body, HasSubstr("&WebIdentityToken=second"));
}

TEST_F(AwsCredentialLoaderTest, AssumesARoleWithTheBucketsPairAndExternalId) {
  access_.access_key = "AKIA";
  access_.secret_key = Secret("s");
  access_.credentials.role_arn = kRole;
  access_.credentials.external_id = "x=1";
  const auto found = load(CredentialSource::fixed);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->access_key, "ROLE");
  EXPECT_THAT(seen_.back().body, HasSubstr("&ExternalId=x%3D1"));
  EXPECT_THAT(seen_.back().body, HasSubstr("&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fup"));
  EXPECT_THAT(std::string(seen_.back().header("authorization")), HasSubstr("/eu-west-1/sts/aws4_request"));
  refuse_ = 403;
  EXPECT_EQ(load(CredentialSource::fixed).error().code, Errc::s3_credential);
}

TEST_F(AwsCredentialLoaderTest, Profiles) {
  write("credentials",
        "[default]\naws_access_key_id = DEFAULT\naws_secret_access_key = s\n"
        "[half]\naws_access_key_id = HALF\n");
  write("config",
        "[profile other]\naws_access_key_id = OTHER\naws_secret_access_key = s\naws_session_token = t\n"
        "[profile chained]\nrole_arn = arn:aws:iam::123456789012:role/up\nsource_profile = other\n"
        "external_id = ext\nregion = ap-south-1\n"
        "[profile itself]\nrole_arn = arn:aws:iam::123456789012:role/up\nsource_profile = itself\n"
        "aws_access_key_id = SELF\naws_secret_access_key = s\n"
        "[profile a]\nrole_arn = arn:aws:iam::123456789012:role/up\nsource_profile = b\n"
        "[profile b]\nrole_arn = arn:aws:iam::123456789012:role/up\nsource_profile = a\n"
        "[profile imds]\nrole_arn = arn:aws:iam::123456789012:role/up\ncredential_source = Ec2InstanceMetadata\n"
        "[profile process]\ncredential_process = /bin/true\n"
        "[profile empty]\nregion = x\n");
  EXPECT_EQ(key(CredentialSource::profile), "DEFAULT");
  EXPECT_TRUE(load(CredentialSource::profile)->may_change);
  variables_["AWS_PROFILE"] = "other";
  EXPECT_EQ(key(CredentialSource::profile), "OTHER");
  access_.credentials.profile = "chained";
  EXPECT_EQ(key(CredentialSource::profile), "ROLE");
  EXPECT_THAT(std::string(seen_.back().header("authorization")), HasSubstr("Credential=OTHER/"));
  EXPECT_THAT(std::string(seen_.back().header("authorization")), HasSubstr("/ap-south-1/sts/"));
  EXPECT_EQ(seen_.back().header("x-amz-security-token"), "t");
  EXPECT_THAT(seen_.back().body, HasSubstr("&ExternalId=ext"));
  access_.credentials.profile = "itself";
  EXPECT_EQ(key(CredentialSource::profile), "ROLE");
  EXPECT_THAT(std::string(seen_.back().header("authorization")), HasSubstr("Credential=SELF/"));
  access_.credentials.profile = "imds";
  EXPECT_EQ(key(CredentialSource::profile), "ROLE");
  for (const auto& [name, word] :
       std::initializer_list<std::pair<const char*, const char*>>{{"a", "itself"},
                                                                  {"process", "credential_process"},
                                                                  {"empty", "no aws_access_key_id"},
                                                                  {"half", "secret key"},
                                                                  {"absent", "there is no profile absent"}}) {
    access_.credentials.profile = name;
    EXPECT_THAT(key(CredentialSource::profile), HasSubstr(word)) << name;
  }
}

TEST_F(AwsCredentialLoaderTest, AMalformedFileIsReportedWithItsLine) {
  write("credentials", "[default]\nthe-secret-without-a-name\n");
  const std::string message = key(CredentialSource::profile);
  EXPECT_THAT(message, HasSubstr("credentials: line 2"));
  EXPECT_THAT(message, Not(HasSubstr("the-secret")));
}

TEST_F(AwsCredentialLoaderTest, DefaultTriesTheSourcesInOrder) {
  EXPECT_EQ(key(CredentialSource::usual), "IMDS");
  variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = origin_ + "/container";
  EXPECT_EQ(key(CredentialSource::usual), "ECS");
  write("credentials", "[default]\naws_access_key_id = FILE\naws_secret_access_key = s\n");
  EXPECT_EQ(key(CredentialSource::usual), "FILE");
  write("jwt", "token");
  variables_["AWS_WEB_IDENTITY_TOKEN_FILE"] = (folder_ / "jwt").string();
  variables_["AWS_ROLE_ARN"] = kRole;
  EXPECT_EQ(key(CredentialSource::usual), "WEB");
  variables_["AWS_ACCESS_KEY_ID"] = "ENV";
  variables_["AWS_SECRET_ACCESS_KEY"] = "s";
  EXPECT_EQ(key(CredentialSource::usual), "ENV");
}

TEST_F(AwsCredentialLoaderTest, WithoutCredentialsTheErrorListsThePlacesSearched) {
  variables_["AWS_EC2_METADATA_DISABLED"] = "true";
  const auto found = load(CredentialSource::usual);
  EXPECT_EQ(found.error().code, Errc::s3_credential);
  EXPECT_THAT(found.error().message, HasSubstr("AWS_ACCESS_KEY_ID"));
  EXPECT_THAT(found.error().message, HasSubstr((folder_ / "config").string()));
}

TEST(AwsEnvironment, ProxyAndBundleAreForTls) {
  const AwsEnvironment environment({{"HTTPS_PROXY", "http://proxy:3128"},
                                    {"NO_PROXY", "internal"},
                                    {"AWS_CA_BUNDLE", "/ca.pem"},
                                    {"AWS_ENDPOINT_URL", "http://all/"},
                                    {"AWS_ENDPOINT_URL_STS", "http://sts"},
                                    {"AWS_DEFAULT_REGION", "r1"}});
  net::HttpRequest request;
  request.url = "https://host/";
  environment.apply_to(request);
  EXPECT_EQ(request.proxy, "http://proxy:3128");
  EXPECT_EQ(request.no_proxy, "internal");
  EXPECT_EQ(request.ca_file, "/ca.pem");
  net::HttpRequest plain;
  plain.url = "http://host/";
  environment.apply_to(plain);
  EXPECT_EQ(plain.proxy, "");
  EXPECT_EQ(environment.endpoint("S3"), "http://all");
  EXPECT_EQ(environment.endpoint("STS"), "http://sts");
  EXPECT_EQ(environment.region(), "r1");
}

}  // namespace
}  // namespace vodlift::s3
