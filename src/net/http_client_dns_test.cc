// A name server that never answers must hold up only requests for that name.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <condition_variable>
#include <cstring>
#include <future>
#include <mutex>

#include "net/http_client.h"
#include "net/http_server.h"

namespace {

std::mutex g_mutex;
std::condition_variable g_changed;
bool g_released = false;  // the hanging look-up may end

}  // namespace

// Stands before the C library's for this test program: libcurl's look-ups come here.
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** result) {
  if (name != nullptr && std::strcmp(name, "hangs.example.com") == 0) {
    std::unique_lock lock(g_mutex);
    g_changed.wait(lock, [] { return g_released; });
    return EAI_AGAIN;
  }
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto next = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "getaddrinfo"));
  return next(name, service, hints, result);
}

namespace vodlift::net {
namespace {

using namespace std::chrono_literals;

TEST(HttpClientDns, ALookUpThatHangsHoldsUpNoOtherRequest) {
  HttpServer server(
      "http", HttpServerLimits{}, 1,
      [](const Request&, const Responder& respond) {
        respond({200, "text/plain", "", {}});
      },
      [](Errc, std::string_view) {
        return Response{500, "text/plain", "", {}};
      });
  ASSERT_TRUE(server.listen("127.0.0.1:0"));
  server.start();
  HttpClient client("test-dns", 4);

  std::promise<Errc> hanging;
  HttpRequest dead;
  dead.url = "http://hangs.example.com/";
  dead.connect_timeout = 50ms;
  client.start(std::move(dead), [&](Result<HttpResponse> response) {
    hanging.set_value(response ? Errc::internal : response.error().code);
  });
  std::promise<bool> honest;
  auto answered = honest.get_future();
  auto gave_up = hanging.get_future();
  const bool in_time = gave_up.wait_for(5s) == std::future_status::ready;
  if (in_time) {
    EXPECT_EQ(gave_up.get(), Errc::timeout);
  }
  HttpRequest alive;
  alive.url = "http://" + server.address() + "/";
  client.start(std::move(alive), [&](Result<HttpResponse> response) { honest.set_value(response.has_value()); });
  EXPECT_EQ(answered.wait_for(5s), std::future_status::ready) << "the transfer thread waits for the name server";
  {
    const std::lock_guard lock(g_mutex);
    g_released = true;
  }
  g_changed.notify_all();
  EXPECT_TRUE(in_time);
  EXPECT_TRUE(answered.get());
  client.stop();
  server.stop(0ms);
}

}  // namespace
}  // namespace vodlift::net
