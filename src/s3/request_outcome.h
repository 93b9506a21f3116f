// What the end of a request says of the state of its store.
#pragma once

#include <optional>

#include "base/error.h"

namespace vodlift::s3 {

// What a request says of the state of its store.
enum class Outcome {
  answered,           // success, or a refusal that concerns this request alone
  looked,             // the same for a request that only reads: it does not say whether the store takes objects
  denied,             // the same, but it does not say whether the key is good
  throttled,          // SlowDown and the like
  failed,             // an answer of a store in trouble (5xx)
  no_answer,          // no connection, no answer, or none in time
  key_refused,        // the key is unknown, expired or locked
  signature_refused,  // of this request: the secret is wrong, or something changed the request on its way
  no_credentials,     // the request was not sent: there is no key to sign it with
  not_sent,           // the request ended for a reason of ours, and says nothing of the store
};
// The outcome of a request that ended with `failure`; nothing: it succeeded.
Outcome outcome_of(const std::optional<Errc>& failure);

// Whether a request that writes and was refused with this code shows that the bucket takes no objects, whichever they
// are: somebody has to change something there.
bool is_refusal_of_bucket(Errc code);

}  // namespace vodlift::s3
