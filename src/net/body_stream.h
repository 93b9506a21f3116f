// The body of an answer that goes on for as long as its sender likes.
#pragma once

#include <memory>
#include <string>

namespace vodlift::net {

// The server makes one for each answer that is a stream (Response::stream). Any thread; no call blocks. The stream is
// closed when nobody holds it any more.
class BodyStream {
 public:
  BodyStream() = default;
  BodyStream(const BodyStream&) = delete;
  BodyStream& operator=(const BodyStream&) = delete;
  virtual ~BodyStream() = default;

  // Sends `bytes` behind those that wait. They are shared, not copied: one text may go to many clients. False: the
  // stream is over, and nothing is sent any more. It was closed, the client is gone, more bytes would wait than may
  // (HttpServerLimits::stream_bytes), the server has no memory for them, or it stops.
  virtual bool write(std::shared_ptr<const std::string> bytes) = 0;

  // Ends the body behind what waits.
  virtual void close() = 0;
};

}  // namespace vodlift::net
