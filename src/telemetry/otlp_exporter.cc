#include "telemetry/otlp_exporter.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "base/log.h"
#include "telemetry/otlp_json.h"

namespace vodlift::telemetry {
namespace {

constexpr std::size_t kMostAnswerBytes = std::size_t{64} * 1024;

// What OTLP calls retryable; other refusals are of these spans.
bool is_passing(int status) { return status == 429 || status == 502 || status == 503 || status == 504; }

net::HttpRequest request_of(const Collector& collector, std::span<const Span> spans) {
  net::HttpRequest request;
  request.method = "POST";
  request.url = collector.url;
  request.headers = {"Content-Type: application/json"};
  for (const Secret& header : collector.headers) request.headers.emplace_back(header.reveal());
  request.body = otlp_json(spans, collector.host);
  request.max_response_bytes = kMostAnswerBytes;
  request.status_decides = true;
  return request;
}

}  // namespace

OtlpExporter::OtlpExporter(Collector collector, std::chrono::milliseconds between)
    : between_(between),
      wanted_(!collector.url.empty()),
      collector_(std::make_shared<const Collector>(std::move(collector))) {}

OtlpExporter::~OtlpExporter() { stop(); }

void OtlpExporter::start() {
  started_ = true;
  run_if_wanted();
}

void OtlpExporter::run_if_wanted() {
  if (!started_ || runs_ || !wanted_) return;
  runs_ = true;
  client_.emplace("traces-http", 1);
  loop_.start("traces", [this] { loop(); });
}

void OtlpExporter::use(Collector fresh) {
  auto collector = std::make_shared<const Collector>(std::move(fresh));
  {
    const std::lock_guard lock(mutex_);
    wanted_ = !collector->url.empty();
    collector_.swap(collector);
    if (!wanted_) waiting_.clear();
  }
  run_if_wanted();
}

void OtlpExporter::stop() {
  loop_.stop();
  if (client_) client_->stop();
}

void OtlpExporter::add(Span span) {
  bool full = false;
  {
    const std::lock_guard lock(mutex_);
    if (!wanted_) return;  // a run began when they were
    waiting_.push_back(std::move(span));
    if (waiting_.size() > kMostWaiting) {
      waiting_.pop_front();
      ++dropped_;
    }
    full = waiting_.size() == kMostInRequest;
  }
  if (full) loop_.wake();
}

void OtlpExporter::loop() {
  while (!loop_.stopping()) {
    loop_.wait_for(between_);
    while (!loop_.stopping() && send_some(kTimeout)) {
    }
  }
  send_some(kLastTry);
}

bool OtlpExporter::send_some(std::chrono::milliseconds patience) {
  std::vector<Span> spans;
  std::shared_ptr<const Collector> collector;
  bool more = false;
  {
    const std::lock_guard lock(mutex_);
    collector = collector_;
    const auto count = static_cast<std::ptrdiff_t>(std::min(waiting_.size(), kMostInRequest));
    spans.assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(waiting_.begin() + count));
    waiting_.erase(waiting_.begin(), waiting_.begin() + count);
    more = waiting_.size() >= kMostInRequest;
  }
  if (spans.empty()) return false;
  net::HttpRequest request = request_of(*collector, spans);
  request.total_timeout = patience;
  const auto response = client_->perform(std::move(request));
  if (response && response->is_success()) {
    if (std::exchange(told_, "") == collector->url) log::info("spans are taken again", {{"collector", collector->url}});
    const std::lock_guard lock(mutex_);
    sent_ += std::ssize(spans);
    return more;
  }
  if (std::exchange(told_, collector->url) != collector->url) {
    log::warn("the collector of traces does not take spans",
              {{"collector", collector->url},
               {"reason", response ? "HTTP " + std::to_string(response->status) : response.error().for_operator()}});
  }
  if (!response || is_passing(response->status)) {
    put_back(std::move(spans));
    return false;
  }
  const std::lock_guard lock(mutex_);
  dropped_ += std::ssize(spans);
  return more;
}

void OtlpExporter::put_back(std::vector<Span> spans) {
  const std::lock_guard lock(mutex_);
  if (!wanted_) return;
  const std::size_t room = kMostWaiting - std::min(kMostWaiting, waiting_.size());
  const std::size_t lost = spans.size() - std::min(spans.size(), room);
  dropped_ += static_cast<std::int64_t>(lost);
  const auto kept = spans.begin() + static_cast<std::ptrdiff_t>(lost);
  waiting_.insert(waiting_.begin(), std::make_move_iterator(kept), std::make_move_iterator(spans.end()));
}

void OtlpExporter::write_metrics(MetricsText& text) const {
  const std::lock_guard lock(mutex_);
  text.counter("vodlift_spans_total", "Spans for the collector of traces, by what became of them.");
  text.sample(sent_, {{"result", "sent"}});
  text.sample(dropped_, {{"result", "dropped"}});
}

}  // namespace vodlift::telemetry
