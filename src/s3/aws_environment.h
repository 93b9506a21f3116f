// What the AWS tools read from the environment, and what follows from it for outgoing requests.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "net/http_client.h"

namespace vodlift::s3 {

// A snapshot of variables. Immutable; any thread.
class AwsEnvironment {
 public:
  // Nothing is set.
  AwsEnvironment() = default;
  explicit AwsEnvironment(const std::map<std::string, std::string>& variables);
  // Those of this process that docs/configuration.md names, as they are now.
  static AwsEnvironment of_process();

  // The variable's value; empty when it is not set. A view into this object.
  [[nodiscard]] std::string_view get(std::string_view name) const;
  // AWS_REGION, else AWS_DEFAULT_REGION; may be empty.
  [[nodiscard]] std::string region() const;
  // Where `service` is reached by the environment's word: AWS_ENDPOINT_URL_<SERVICE>, else AWS_ENDPOINT_URL, without
  // slashes at the end; may be empty. `service` in capitals.
  [[nodiscard]] std::string endpoint(std::string_view service) const;

  // AWS_CA_BUNDLE, and for https:// the proxy: HTTPS_PROXY and NO_PROXY, either case. For S3 and STS, never for
  // callbacks and metadata endpoints.
  void apply_to(net::HttpRequest& request) const;

 private:
  std::map<std::string, Secret, std::less<>> variables_;
};

}  // namespace vodlift::s3
