// One client of the sink: reads requests, lets the kernel drop their bodies, writes answers.
#pragma once

#include <optional>
#include <string>

#include "base/file.h"
#include "sink_body.h"
#include "sink_objects.h"

namespace vodlift::bench {

// One thread. The socket must be non-blocking.
class SinkConnection {
 public:
  enum class Next {
    wait,          // for the socket, as wants_read and wants_write say
    answer_ready,  // call release_answer() when the answer shall go out
    close,
  };

  SinkConnection(UniqueFd socket, SinkObjects& objects) : socket_(std::move(socket)), objects_(objects) {}

  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] bool wants_read() const { return !answer_; }
  [[nodiscard]] bool wants_write() const { return !output_.empty(); }

  Next on_readable();
  Next on_writable();
  // Sends the answer that is ready, then handles what the client sent meanwhile.
  Next release_answer();

 private:
  Next advance();
  bool begin_request(std::string_view text);
  void finish_request();
  void refuse(int status);
  bool flush();

  UniqueFd socket_;
  SinkObjects& objects_;
  std::string input_;   // read and not yet understood, at most a head and one read
  std::string output_;  // to be sent
  SinkRequest request_;
  std::optional<SinkBody> body_;  // of the request that is being read
  std::optional<std::string> answer_;
  bool close_after_ = false;
};

}  // namespace vodlift::bench
