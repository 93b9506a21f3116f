#include "net/http_client.h"

#include <algorithm>
#include <future>

#include "net/transfer_loop.h"

namespace vodlift::net {

std::string_view HttpResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

HttpClient::HttpClient(const std::string& name, std::size_t max_connections, std::size_t threads) {
  threads = std::clamp<std::size_t>(threads, 1, max_connections);
  for (std::size_t at = 0; at < threads; ++at) {
    const std::size_t share = max_connections / threads + (at < max_connections % threads ? 1 : 0);
    loops_.push_back(std::make_unique<TransferLoop>(name, share));
  }
}

HttpClient::~HttpClient() = default;

// To the one with the least to do. Of equals always the first: so requests that come one by one share a connection.
void HttpClient::start(HttpRequest request, Done done) {
  const auto& loop = *std::ranges::min_element(loops_, {}, [](const auto& one) { return one->load(); });
  loop->start(std::move(request), std::move(done));
}

Result<HttpResponse> HttpClient::perform(HttpRequest request) {
  // Shared: the waiter may be gone before set_value() has returned on a transfer thread.
  const auto promise = std::make_shared<std::promise<Result<HttpResponse>>>();
  auto answer = promise->get_future();
  start(std::move(request), [promise](Result<HttpResponse> result) { promise->set_value(std::move(result)); });
  return answer.get();
}

void HttpClient::stop() {
  for (const auto& loop : loops_) loop->begin_stop();
  for (const auto& loop : loops_) loop->stop();
}

}  // namespace vodlift::net
