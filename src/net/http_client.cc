#include "net/http_client.h"

#include <algorithm>

#include "base/await.h"
#include "net/transfer_loop.h"

namespace vodlift::net {
namespace {

// Of the thread `at`; each has one connection at least.
std::size_t share_of(std::size_t max_connections, std::size_t at, std::size_t threads) {
  return std::max<std::size_t>(max_connections / threads + (at < max_connections % threads ? 1 : 0), 1);
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

HttpClient::HttpClient(const std::string& name, std::size_t max_connections, std::size_t threads) {
  threads = std::clamp<std::size_t>(threads, 1, max_connections);
  for (std::size_t at = 0; at < threads; ++at) {
    loops_.push_back(std::make_unique<TransferLoop>(name, share_of(max_connections, at, threads)));
  }
}

void HttpClient::use_connections(std::size_t max_connections) {
  for (std::size_t at = 0; at < loops_.size(); ++at) {
    loops_[at]->use_connections(share_of(max_connections, at, loops_.size()));
  }
}

HttpClient::~HttpClient() = default;

// Large bodies go to the thread that sends the fewest of them. Other requests stay together, on the first thread with
// room: the more work a thread finds when it wakes, the less each request costs, and connections are shared.
void HttpClient::start(HttpRequest request, Done done) {
  const auto least = [this](auto load) { return std::ranges::min_element(loops_, {}, load); };
  auto loop = loops_.begin();
  if (request.reader_size >= kLargeBodyBytes) {
    loop = least([](const auto& one) { return one->large_load(); });
  } else {
    loop = std::ranges::find_if(loops_, [](const auto& one) { return one->has_room(); });
    if (loop == loops_.end()) loop = least([](const auto& one) { return one->load(); });
  }
  (*loop)->start(std::move(request), std::move(done));
}

Result<HttpResponse> HttpClient::perform(HttpRequest request) {
  return await<Result<HttpResponse>>([&](auto done) { start(std::move(request), std::move(done)); });
}

void HttpClient::stop() {
  for (const auto& loop : loops_) loop->begin_stop();
  for (const auto& loop : loops_) loop->stop();
}

}  // namespace vodlift::net
