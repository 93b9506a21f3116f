#include "s3/request_body.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "base/hash.h"
#include "base/surely_called.h"
#include "s3/s3_checksums.h"

namespace vodlift::s3 {
namespace {

std::string chunk_head(std::int64_t size) { return fmt::format("{:x}\r\n", size); }

std::string last_chunk(std::uint32_t crc32c) {
  return fmt::format("0\r\n{}:{}\r\n\r\n", kCrcHeader, crc32c_base64(crc32c));
}

std::int64_t framed_chunk_size(std::int64_t size) {
  constexpr std::string_view kEnd = "\r\n";
  return std::ssize(chunk_head(size)) + size + std::ssize(kEnd);
}

}  // namespace

net::BodyReader::Chunk SourceBody::read(std::span<std::uint8_t> buffer, const std::function<void()>& resume) {
  const auto left = static_cast<std::size_t>(body_.size - position_);
  if (granted_ == 0) {
    const Bandwidth::Chunk next = bandwidth_.next(use_, std::min(buffer.size(), left));
    granted_ = next.bytes;
    if (next.wait.count() > 0) send_from_ = bandwidth_.now() + next.wait;
  }
  // Whoever asks sooner, as one does who had other bytes to send first, has to wait all the same.
  if (send_from_) {
    const auto wait = *send_from_ - bandwidth_.now();
    if (wait.count() > 0) return {Status::wait, 0, wait};
    send_from_.reset();
  }
  buffer = buffer.first(std::min({buffer.size(), left, granted_}));

  std::unique_lock lock(mutex_);
  if (failure_) return {Status::failed};
  if (reading_) return {Status::wait};
  const std::int64_t spare_end = spare_at_ + static_cast<std::int64_t>(spare_.size());
  if (position_ >= spare_at_ && position_ < spare_end) {
    const auto from = static_cast<std::size_t>(position_ - spare_at_);
    const std::size_t count = std::min(buffer.size(), spare_.size() - from);
    std::copy_n(spare_.data() + from, count, buffer.data());
    return give(count);
  }

  if (body_.bytes != nullptr) {
    std::copy_n(body_.bytes.get() + position_, buffer.size(), buffer.data());
    return give(buffer.size());
  }
  const auto cached = body_.source->read_cached(body_.offset + position_, buffer);
  if (!cached) {
    failure_ = cached.error();
    return {Status::failed};
  }
  if (*cached > 0) {
    return give(*cached);
  }

  spare_.resize(std::min(left, kSpareBytes));
  spare_at_ = position_;
  reading_ = true;
  const std::span<std::uint8_t> target(spare_);
  const std::int64_t offset = body_.offset + position_;
  lock.unlock();  // the storage may answer at once, on this thread
  const auto done = [self = shared_from_this(), resume](const Result<>& result) {
    self->end_reading(result);
    resume();
  };
  body_.source->read_async(offset, target, surely_called<void>(done, Errc::internal));
  return {Status::wait};
}

// The transfer waits for this, also where there is no memory for the reason.
void SourceBody::end_reading(const Result<>& result) {
  const std::lock_guard lock(mutex_);
  reading_ = false;
  if (result) return;
  failure_ = Error{Errc::internal, "no memory"};
  try {
    failure_ = result.error();
  } catch (const std::bad_alloc&) {  // it fails without the reason
  }
}

net::BodyReader::Chunk SourceBody::give(std::size_t count) {
  position_ += static_cast<std::int64_t>(count);
  granted_ -= count;
  if (position_ == body_.size && body_.sent) body_.sent();
  return {Status::ok, count};
}

void SourceBody::rewind() { position_ = 0; }

Error SourceBody::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_.value_or(Error{Errc::internal, "the body failed without a reason"});
}

std::vector<std::pair<std::string, std::string>> trailer_headers(std::int64_t size) {
  return {{"content-encoding", "aws-chunked"},
          {"x-amz-decoded-content-length", std::to_string(size)},
          {"x-amz-trailer", std::string(kCrcHeader)}};
}

std::int64_t framed_size(std::int64_t size) {
  const std::int64_t rest = size % kChunkBytes;
  return size / kChunkBytes * framed_chunk_size(kChunkBytes) + (rest > 0 ? framed_chunk_size(rest) : 0) +
         std::ssize(last_chunk(0));
}

std::string framed(std::string_view bytes, std::uint32_t crc32c) {
  std::string text;
  if (!bytes.empty()) text = fmt::format("{}{}\r\n", chunk_head(std::ssize(bytes)), bytes);
  return text + last_chunk(crc32c);
}

TrailingBody::TrailingBody(std::shared_ptr<net::BodyReader> body, std::int64_t size,
                           std::shared_ptr<std::uint32_t> crc32c)
    : body_(std::move(body)), size_(size), crc32c_(std::move(crc32c)), left_(size) {
  *crc32c_ = 0;
  frame_next();
}

void TrailingBody::rewind() {
  body_->rewind();
  left_ = size_;
  *crc32c_ = 0;
  frame_.clear();
  frame_next();
}

void TrailingBody::frame_next() {
  chunk_left_ = std::min(left_, kChunkBytes);
  frame_ += chunk_left_ > 0 ? chunk_head(chunk_left_) : last_chunk(*crc32c_);
}

net::BodyReader::Chunk TrailingBody::read(std::span<std::uint8_t> buffer, const std::function<void()>& resume) {
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    if (!frame_.empty()) {
      const std::size_t count = std::min(frame_.size(), buffer.size() - filled);
      std::copy_n(frame_.begin(), count, buffer.begin() + static_cast<std::ptrdiff_t>(filled));
      frame_.erase(0, count);
      filled += count;
      continue;
    }
    if (left_ == 0) break;
    const auto room = std::min(static_cast<std::int64_t>(buffer.size() - filled), chunk_left_);
    const auto part = buffer.subspan(filled, static_cast<std::size_t>(room));
    const Chunk chunk = body_->read(part, resume);
    if (chunk.status != Status::ok) {
      // At the next call, the body says again that it has to wait, or that it failed.
      if (filled > 0) break;
      return chunk;
    }
    *crc32c_ = crc32c(*crc32c_, part.first(chunk.size));
    filled += chunk.size;
    left_ -= static_cast<std::int64_t>(chunk.size);
    chunk_left_ -= static_cast<std::int64_t>(chunk.size);
    if (chunk_left_ > 0) continue;
    frame_ = "\r\n";
    frame_next();
  }
  return {Status::ok, filled};
}

}  // namespace vodlift::s3
