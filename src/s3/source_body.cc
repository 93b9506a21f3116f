#include "s3/source_body.h"

#include <algorithm>

namespace vodlift::s3 {

net::BodyReader::Chunk SourceBody::read(std::span<std::uint8_t> buffer, const std::function<void()>& resume) {
  const auto left = static_cast<std::size_t>(body_.size - position_);
  if (granted_ == 0) {
    const Bandwidth::Chunk next = bandwidth_.next(use_, std::min(buffer.size(), left));
    granted_ = next.bytes;
    if (next.wait.count() > 0) return {Status::wait, 0, next.wait};
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

  reading_ = true;
  spare_at_ = position_;
  spare_.resize(std::min(left, kSpareBytes));
  const std::span<std::uint8_t> target(spare_);
  const std::int64_t offset = body_.offset + position_;
  lock.unlock();  // the storage may answer at once, on this very thread
  body_.source->read_async(offset, target, [self = shared_from_this(), resume](const Result<>& result) {
    {
      const std::lock_guard hold(self->mutex_);
      self->reading_ = false;
      if (!result) self->failure_ = result.error();
    }
    resume();
  });
  return {Status::wait};
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

}  // namespace vodlift::s3
