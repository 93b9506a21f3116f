#include "core/upload_advice.h"

#include <algorithm>
#include <array>

namespace vodlift {
namespace {

struct CodeAdvice {
  Errc code;
  UploadAdvice advice;
};

constexpr std::string_view kWait = "Nothing needs to be done: it is tried again by itself.";
constexpr std::string_view kAgain = "Mend the cause, then retry the upload.";
constexpr std::string_view kCheck = "Run the bucket's check: it names what is wrong and how to mend it.";

constexpr std::array kTable = {
    CodeAdvice{
        Errc::source_missing,
        {"The file is not where it was when the upload was queued.", "Put the file back, then retry the upload.", ""}},
    CodeAdvice{Errc::source_busy, {"The file is still being written, or another program holds it.", kWait, ""}},
    CodeAdvice{Errc::source_changed,
               {"The file was changed while it was sent.",
                "It is sent again once it stays as it is. See what writes to it.", ""}},
    CodeAdvice{Errc::source_mismatch,
               {"The file does not have the checksum that the request gave.",
                "Compare the file with the original, and send a request with the right checksum.", ""}},
    CodeAdvice{
        Errc::source_unreadable,
        {"The disk or the file server gave an error while the file was read.", "",
         "Look at the storage: the kernel's log and the file server say what is wrong. It is tried again by itself."}},
    CodeAdvice{Errc::storage_unavailable,
               {"The storage does not answer.", "", "Mount the storage again. Its uploads go on by themselves."}},
    CodeAdvice{Errc::storage_removed,
               {"The storage is not in the server's configuration any more.", "",
                "Add the storage to the configuration again, restart, and retry the upload."}},
    CodeAdvice{Errc::bucket_not_configured,
               {"The account does not have this bucket any more.", "Retry the upload once the bucket is there again.",
                "Add the bucket to the account, then retry the upload."}},
    CodeAdvice{Errc::destination_exists,
               {"The bucket has an object with this key, and the request says overwrite=fail.",
                "Choose another destination_path, or allow it to be replaced.", ""}},
    CodeAdvice{Errc::network,
               {"The store could not be reached.", kWait,
                "If it goes on: check name, network and firewall on the way to the endpoint."}},
    CodeAdvice{Errc::timeout,
               {"The store did not answer in time.", kWait,
                "If it goes on: check the network on the way to the endpoint, and the store's load."}},
    CodeAdvice{
        Errc::tls,
        {"The store's certificate is not valid for this endpoint, or not trusted.", "",
         "Check the endpoint's name and certificate. A private authority's certificate belongs into the system's "
         "store."}},
    CodeAdvice{Errc::s3_transient, {"The store failed for a moment.", kWait, ""}},
    CodeAdvice{Errc::s3_throttled,
               {"The store asked for slower requests.", kWait, "If it goes on: set a limit for the bucket."}},
    CodeAdvice{Errc::s3_unavailable, {"The store, or this bucket, has been failing for a while.", kWait, kCheck}},
    CodeAdvice{Errc::s3_credential,
               {"The store refuses the bucket's key, or the server cannot get one.",
                "Check the access key that you gave for this bucket.",
                "Give the bucket a key that is valid. Its uploads go on by themselves."}},
    CodeAdvice{Errc::s3_full,
               {"The bucket, its account or the store has no room.",
                "Make room in the bucket, or have its quota raised.", ""}},
    CodeAdvice{Errc::s3_too_large,
               {"The store, or a proxy in front of it, takes no body of this size.", "",
                "Raise the limit of the proxy, or give the bucket smaller parts."}},
    CodeAdvice{Errc::s3_clock_skew,
               {"The store and the server disagree on the time.", "", "Set the server's clock: see that NTP runs."}},
    CodeAdvice{Errc::s3_conflict,
               {"Another program wrote the same object at the same time.", "See what else writes to this key.", ""}},
    CodeAdvice{Errc::s3_integrity,
               {"The store has other bytes than were sent.", kWait,
                "If it goes on: something on the way changes data. Look at proxies, network and store."}},
    CodeAdvice{Errc::s3_unverifiable, {"The store could not say what it has.", kWait, kCheck}},
    CodeAdvice{Errc::s3_no_such_upload,
               {"Another program aborted the multipart upload.", kWait,
                "If it goes on: see what aborts multipart uploads in this bucket, such as a lifecycle rule of a day."}},
    CodeAdvice{Errc::s3_parts_refused,
               {"The store refused parts that it had confirmed, twice.", "Retry the upload.", ""}},
    CodeAdvice{Errc::s3_access_denied,
               {"The bucket's key may not write this object.",
                "Grant the key s3:PutObject on the bucket, then retry the upload.", kCheck}},
    CodeAdvice{
        Errc::s3_acl_refused,
        {"The bucket takes no object with acl=public-read.", "Send acl=private, or allow ACLs in the bucket.", kCheck}},
    CodeAdvice{Errc::s3_region, {"The bucket lies in another region than it is configured with.", "", kCheck}},
    CodeAdvice{Errc::s3_no_such_bucket,
               {"The store has no bucket of this name.", "Make the bucket, then retry the upload.", kCheck}},
    CodeAdvice{Errc::s3_not_found, {"The store did not find what the request named.", kAgain, kCheck}},
    CodeAdvice{Errc::s3_rejected, {"The store refused the request; its message says why.", kAgain, kCheck}},
    CodeAdvice{Errc::crashed_repeatedly,
               {"The server crashed several times while this upload was the only one under way.", "",
                "Look into the log before each start, and report it with the file's size and kind."}},
    CodeAdvice{Errc::overloaded,
               {"The server had no file descriptor left for a moment.", kWait,
                "If it goes on: raise LimitNOFILE of the service."}},
    CodeAdvice{Errc::internal, {"A fault of the server.", "", "The log has the details. Please report it."}},
    CodeAdvice{Errc::store_failed,
               {"The server could not write to its database.", "",
                "Look at the disk of the database: the log says what failed."}},
    CodeAdvice{Errc::io_error,
               {"The server could not use its disk.", "", "Look at the server's disks: the log says what failed."}},
};

}  // namespace

std::optional<UploadAdvice> upload_advice(Errc code) {
  const auto found = std::ranges::find(kTable, code, &CodeAdvice::code);
  if (found == kTable.end()) return std::nullopt;
  UploadAdvice advice = found->advice;
  if (advice.operator_fix.empty()) advice.operator_fix = advice.fix;
  return advice;
}

}  // namespace vodlift
