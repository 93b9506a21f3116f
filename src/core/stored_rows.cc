#include "core/stored_rows.h"

namespace vodlift {

UploadAttempt read_attempt(const Row& row) {
  UploadAttempt attempt;
  attempt.number = static_cast<int>(row.integer("number"));
  attempt.times = static_cast<int>(row.integer("times"));
  attempt.how = kAttemptEnds.value(row.text("how")).value_or(AttemptEnd::requeued);
  if (!row.is_null("error_code")) {
    const Errc code = errc_from_name(row.text("error_code"));
    attempt.error =
        UploadError{code, row.text("error_message"), row.integer("error_retryable") != 0, row.text("error_detail")};
  }
  attempt.started = from_unix_ms(row.integer("started_ms"));
  attempt.ended = from_unix_ms(row.integer("ended_ms"));
  attempt.first_byte = row.integer("first_byte");
  attempt.last_byte = row.integer("last_byte");
  attempt.node = row.integer("node");
  return attempt;
}

CallbackReceiver read_receiver(const Row& row) {
  CallbackReceiver one;
  one.account = row.integer("account");
  one.receiver = row.text("receiver");
  ReceiverSums& sums = one.sums;
  sums.day = row.integer("day");
  sums.delivered = {row.integer("delivered"), row.integer("delivered_before")};
  sums.failed = {row.integer("failed"), row.integer("failed_before")};
  sums.waiting = row.integer("waiting");
  if (const auto latency = row.optional_integer("latency_ms")) sums.latency = std::chrono::milliseconds(*latency);
  sums.last_error = row.text("last_error");
  sums.last_failure = row.optional_time("last_failure_ms");
  sums.last_success = row.optional_time("last_success_ms");
  sums.failing_since = row.optional_time("failing_since_ms");
  sums.used = row.optional_time("used_ms");
  return one;
}

AbandonedMultipart read_abandoned(const Row& row, WallTime now) {
  AbandonedMultipart entry;
  entry.id = row.integer("id");
  entry.upload = row.integer("upload_id");
  entry.account = row.integer("account");
  entry.place = {row.text("endpoint"), row.text("bucket"), row.text("object_key")};
  entry.multipart_id = row.text("multipart_id");
  entry.creates = static_cast<int>(row.integer("creates"));
  entry.first = from_unix_ms(row.integer("first_ms"));
  entry.last = from_unix_ms(row.integer("last_ms"));
  entry.abandoned = from_unix_ms(row.integer("left_ms"));
  entry.attempts = static_cast<int>(row.integer("attempts"));
  entry.next_attempt = from_unix_ms(row.integer("next_attempt_ms"));
  entry.error = row.text("error");
  entry.read = now;
  return entry;
}

}  // namespace vodlift
