// Addresses and socket files that the server listens on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/temporary_folder_test.h"
#include "net/http_server.h"
#include "net/http_server_test_client.h"

namespace vodlift::net {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(Listen, TellsTheRealPort) {
  HttpServer server = make_server();
  ASSERT_TRUE(server.listen("127.0.0.1:0"));
  EXPECT_THAT(server.address(), StartsWith("127.0.0.1:"));
  EXPECT_NE(server.address(), "127.0.0.1:0");
}

TEST(Listen, TakesIpv6) {
  HttpServer server = make_server();
  if (const auto bound = server.listen("[::1]:0"); !bound) GTEST_SKIP() << bound.error().message;
  EXPECT_THAT(server.address(), StartsWith("[::1]:"));
}

TEST(Listen, RefusesWhatIsNoAddress) {
  for (const char* text : {"", ":", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1",
                           "127.0.0.1: 1", "localhost:80", "::1:80", "[::1]", "[127.0.0.1]:80", "[::1:80", "*:80"}) {
    HttpServer server = make_server();
    const auto bound = server.listen(text);
    ASSERT_FALSE(bound) << text;
    EXPECT_EQ(bound.error().code, Errc::config_invalid) << text;
    EXPECT_THAT(bound.error().message, HasSubstr("127.0.0.1:8080"));
  }
}

TEST(Listen, SaysWhyAPortCannotBeHad) {
  HttpServer first = make_server();
  ASSERT_TRUE(first.listen("127.0.0.1:0"));
  HttpServer second = make_server();
  const auto bound = second.listen(first.address());
  ASSERT_FALSE(bound);
  EXPECT_EQ(bound.error().code, Errc::io_error);
  EXPECT_THAT(bound.error().message, HasSubstr("EADDRINUSE"));
  EXPECT_TRUE(second.listen("127.0.0.1:0"));
}

TEST(ListenUnix, ServesASocketFileForItsOwnerOnly) {
  const TemporaryFolder folder;
  const std::string path = folder.file("api.sock");
  std::string peer;
  {
    HttpServer server = make_server([&](const Request& request, const Responder& respond) {
      peer = request.peer;
      echo(request, respond);
    });
    ASSERT_TRUE(server.listen_unix(path));
    EXPECT_EQ(server.address(), path);
    struct stat made {};
    ASSERT_EQ(::stat(path.c_str(), &made), 0);
    EXPECT_EQ(made.st_mode & 07777, 0600u);
    server.start();
    RawClient client(path);
    client.send(post("local"));
    EXPECT_EQ(client.answer().body, "POST /stable/ local");
  }
  EXPECT_EQ(peer, "unix");
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ListenUnix, ReplacesADeadSocketButNoLivingOneAndNoFile) {
  const TemporaryFolder folder;
  const std::string path = folder.file("api.sock");
  {
    const UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  HttpServer living = make_server();
  ASSERT_TRUE(living.listen_unix(path));
  HttpServer second = make_server();
  const auto bound = second.listen_unix(path);
  ASSERT_FALSE(bound);
  EXPECT_EQ(bound.error().code, Errc::locked);
  EXPECT_TRUE(RawClient(path).connected());

  const std::string file = folder.file("precious");
  ASSERT_TRUE(create_private_file(file, "data"));
  EXPECT_EQ(second.listen_unix(file).error().code, Errc::io_error);
  EXPECT_TRUE(std::filesystem::exists(file));
  EXPECT_EQ(second.listen_unix(folder.file("x") + std::string(200, 'x')).error().code, Errc::io_error);
  EXPECT_EQ(second.listen_unix(folder.file("no/such/folder")).error().code, Errc::io_error);
}

}  // namespace
}  // namespace vodlift::net
