// A request as bytes of a connection: the scanner finds the header's end alike however the bytes are cut, and what is
// accepted says clearly where its body ends.
#include "net/http_server_message.h"
#include "require.h"

using vodlift::fuzz::require;
using vodlift::net::HeadScanner;

namespace {

constexpr std::size_t kBodyLimit = 4096;

struct Scan {
  HeadScanner::Verdict verdict = HeadScanner::Verdict::more;
  std::size_t begin = 0;
  std::size_t size = 0;
};

Scan scan(std::string_view bytes, std::size_t step) {
  HeadScanner scanner;
  Scan result;
  for (std::size_t end = 0; end < bytes.size() && result.verdict == HeadScanner::Verdict::more;) {
    end = std::min(end + step, bytes.size());
    result.verdict = scanner.scan(bytes.substr(0, end));
  }
  result.begin = scanner.begin();
  result.size = scanner.size();
  return result;
}

void decode_chunks(std::string_view bytes) {
  vodlift::net::ChunkedDecoder decoder(kBodyLimit, kBodyLimit);
  std::string body;
  const auto used = decoder.feed(bytes, body);
  require(body.size() <= kBodyLimit, "a chunked body stays within its limit");
  if (!used) return;
  require(*used == bytes.size() || decoder.done(), "all is used until the last chunk");

  vodlift::net::ChunkedDecoder piecemeal(kBodyLimit, kBodyLimit);
  std::string again;
  for (std::size_t i = 0; i < *used; ++i) require(piecemeal.feed(bytes.substr(i, 1), again).has_value(), "one by one");
  require(again == body && piecemeal.done() == decoder.done(), "chunks mean the same however they arrive");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = vodlift::fuzz::text_of(data, size);
  const Scan whole = scan(bytes, bytes.size());
  const Scan slowly = scan(bytes, 1);
  require(whole.verdict == slowly.verdict, "a header is judged alike however it arrives");
  if (whole.verdict != HeadScanner::Verdict::complete) return 0;
  require(whole.size == slowly.size && whole.begin == slowly.begin, "a header ends where it ends");

  const auto head = vodlift::net::parse_head(bytes.substr(whole.begin, whole.size - whole.begin), kBodyLimit);
  if (!head) return 0;
  require(!head->chunked || head->content_length == 0, "one way to tell where the body ends");
  require(head->content_length <= kBodyLimit, "no body above the limit");
  if (head->chunked) decode_chunks(bytes.substr(whole.size));
  return 0;
}
