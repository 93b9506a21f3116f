// Credentials from the metadata endpoints of AWS: of a container (ECS, EKS) and of an EC2 instance. Never through a
// proxy.
#pragma once

#include "s3/aws_environment.h"
#include "s3/credentials.h"

namespace vodlift::s3 {

// Both block, for some seconds at most. Errors of both: those of CredentialLoader::load.

// From AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI, one of which is set. A full one must be https://, or
// http:// to loopback or to the addresses that ECS and EKS use.
Result<Credentials> container_credentials(net::HttpClient& client, const AwsEnvironment& environment);
bool has_container_endpoint(const AwsEnvironment& environment);

// By IMDSv2 only: a session token first, each request within a second.
Result<Credentials> instance_credentials(net::HttpClient& client, const AwsEnvironment& environment);
// AWS_EC2_METADATA_DISABLED is "true".
bool is_instance_metadata_disabled(const AwsEnvironment& environment);

// Whether credentials may be asked for at `url`. For tests.
Result<> check_container_url(std::string_view url);

// Sends what `make` gives, up to three times while there is no answer, or one that says to try again (429, 5xx).
// Shared with STS. Errors: network, timeout, tls, interrupted, s3_transient.
Result<net::HttpResponse> perform_with_retries(net::HttpClient& client, const std::function<net::HttpRequest()>& make);

}  // namespace vodlift::s3
