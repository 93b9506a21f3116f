// Waiting for the answer of a call that gives it to a callback.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace vodlift {

// Calls `start` with a callback and returns what the callback is called with (nothing for `void`), however long that
// takes. The callback must be called exactly once, on any thread. Not for a thread that has to make that call itself.
// Throws std::bad_alloc if the callback is dropped uncalled: whoever had it was out of memory.
template <class Answer, class Start>
Answer await(Start&& start) {
  // Shared: this caller may have returned before set_value() has.
  const auto promise = std::make_shared<std::promise<Answer>>();
  auto answer = promise->get_future();
  if constexpr (std::is_void_v<Answer>) {
    std::forward<Start>(start)([promise] { promise->set_value(); });
  } else {
    std::forward<Start>(start)([promise](Answer value) { promise->set_value(std::move(value)); });
  }
  try {
    return answer.get();
  } catch (const std::future_error&) {
    throw std::bad_alloc();
  }
}

// The same, but waits for `patience` at most: nothing when there is no answer by then. A late answer is dropped.
template <class Answer, class Start>
std::optional<Answer> await_for(std::chrono::milliseconds patience, Start&& start) {
  const auto promise = std::make_shared<std::promise<Answer>>();
  auto answer = promise->get_future();
  std::forward<Start>(start)([promise](Answer value) { promise->set_value(std::move(value)); });
  if (answer.wait_for(patience) != std::future_status::ready) return std::nullopt;
  return answer.get();
}

}  // namespace vodlift
