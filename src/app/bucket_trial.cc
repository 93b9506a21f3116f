#include "app/bucket_trial.h"

#include "app/process.h"
#include "base/clock.h"
#include "net/http_client.h"
#include "rest/buckets.h"
#include "s3/aws_configuration.h"
#include "s3/aws_credential_loader.h"
#include "s3/credential_cache.h"
#include "s3/endpoint_state.h"
#include "s3/s3_bucket_doctor.h"

namespace vodlift::app {

Result<boost::json::value> try_bucket(const boost::json::object& asked) {
  constexpr std::size_t kConnections = 8;
  prepare_process();
  const SystemClock clock;
  const s3::AwsEnvironment environment = s3::AwsEnvironment::of_process();
  net::HttpClient client("s3-http", kConnections);
  s3::AwsCredentialLoader loader(client, environment, clock);
  s3::CredentialCache credentials(loader, clock);
  s3::EndpointStates endpoints;
  s3::S3BucketDoctor doctor(client, credentials, environment, clock, endpoints);
  auto answer = rest::try_bucket(doctor, {environment.endpoint("S3"), environment.region()}, asked);
  credentials.stop();
  client.stop();
  return answer;
}

}  // namespace vodlift::app
