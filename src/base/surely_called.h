// A callback that gets an answer even if its owner is destroyed without giving one.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <utility>

#include "base/error.h"

namespace vodlift {

// Returns a callback that passes its first answer on to `done`. If all its copies go without an answer, because an
// exception has taken their owner, `done` gets an error of this code: there was no memory. Any thread. When this
// function itself throws, `done` is not called.
template <class Value>
std::function<void(Result<Value>)> surely_called(std::function<void(Result<Value>)> done, Errc lost) {
  struct Call {
    explicit Call(Errc code) : lost(code) {}
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() {
      if (!done) return;
      try {
        done(Error{lost, "no memory"});
      } catch (const std::exception&) {  // there is nobody left to tell
      }
    }
    std::function<void(Result<Value>)> done;
    const Errc lost;
  };
  const auto call = std::make_shared<Call>(lost);
  std::function<void(Result<Value>)> answer = [call](Result<Value> given) {
    if (const auto once = std::exchange(call->done, nullptr)) once(std::move(given));
  };
  call->done = std::move(done);
  return answer;
}

}  // namespace vodlift
