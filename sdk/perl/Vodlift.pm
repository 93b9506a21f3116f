package Vodlift;

# A client of vodlift: signs calls, waits for uploads, verifies callbacks. Perl 5.14 or newer with its core modules;
# for https also IO::Socket::SSL. Texts are character strings ("use utf8"), bodies of callbacks are bytes.

use strict;
use warnings;
use Digest::SHA qw(hmac_sha256);
use HTTP::Tiny;
use JSON::PP ();
use MIME::Base64 qw(decode_base64 encode_base64);
use Time::HiRes qw(clock_gettime sleep CLOCK_MONOTONIC);

my %ENDED = map { $_ => 1 } qw(completed failed cancelled);
my $WINDOW_S = 240;  # the same signed bytes are sent again for this long; the server takes them for 300 s
my $MOST_BYTES = 16 * 1024 * 1024;  # of an answer

# Takes url (ends with /stable/), cdn, api_key, secret, timeout (seconds for one attempt; 30) and retries (attempts after the
# first; 4).
sub new {
    my ($class, %is) = @_;
    my $secret = delete $is{secret};
    my $sign = sub { encode_base64(hmac_sha256($_[0], $secret), '') };  # so that no dump shows the secret
    return bless { timeout => 30, retries => 4, %is, sign => $sign }, $class;
}

# The answer's data. Dies with a Vodlift::Error. Sends the same bytes again where that can help: it never acts twice.
sub call {
    my ($self, $command, $fields) = @_;
    return $self->_call($command, $fields, _now() + $WINDOW_S);
}

# Queues a file; returns the upload's id. Options are other fields, such as metadata, callback and priority.
sub upload {
    my ($self, $path, $destination_path, $bucket, $options) = @_;
    my %fields = (path => $path, destination_path => $destination_path, bucket => $bucket, %{ $options || {} });
    return $self->call('aws.upload', \%fields);
}

# The upload object of one id; of a reference to a list of ids, a reference to a list of those that exist, newest first.
sub status {
    my ($self, $ids) = @_;
    my $uploads = $self->call('aws.status', { id => $ids });
    return ref $ids ? $uploads : $uploads->[0];
}

# The upload object when the upload has ended: look at its state. Dies with "timeout" after so many seconds (3600).
sub wait {
    my ($self, $id, $timeout) = @_;
    $timeout = 3600 unless defined $timeout;
    my $deadline = _now() + $timeout;
    for (my $pause = 0.5;; $pause = _min($pause * 1.5, 10)) {
        my $uploads = eval { $self->_call('aws.status', { id => $id }, _min($deadline, _now() + $WINDOW_S)) };
        my $error = $uploads ? undef : $@;
        die $error if $error && !(ref $error && $error->{retryable});
        return $uploads->[0] if $uploads && $ENDED{ $uploads->[0]{state} };
        my $left = $deadline - _now();
        Vodlift::Error->throw('timeout', "upload $id has not ended within $timeout s", 1) if $left <= 0;
        sleep(_min(_max($pause, $error ? $error->{retry_after} : 0), $left));
    }
}

# The event that a callback brings: message, status, code (of failures), data (the upload object), test. Takes a reference to a
# hash of all headers, in any case, the bytes of the body as they came, one secret "whsec_..." or a reference to a list of
# them, and the seconds that the message's time may be away from now (300). Dies with "callback": answer with 401.
sub verify {
    my ($headers, $body, $secrets, $tolerance) = @_;
    $tolerance = 300 unless defined $tolerance;
    my %all = map { lc($_) => $headers->{$_} } keys %$headers;
    my ($id, $timestamp, $given) = map { defined $all{"webhook-$_"} ? $all{"webhook-$_"} : '' } qw(id timestamp signature);
    Vodlift::Error->throw('callback', 'webhook-id or webhook-timestamp is missing') unless length $id && $timestamp =~ /\A[0-9]{1,15}\z/;
    Vodlift::Error->throw('callback', 'the message is too old, or this clock is wrong') if abs(time - $timestamp) > $tolerance;
    my $genuine = 0;
    for my $secret (ref $secrets ? @$secrets : $secrets) {
        my $wanted = 'v1,' . encode_base64(hmac_sha256("$id.$timestamp.$body", _webhook_key($secret)), '');
        $genuine |= _same($wanted, $_) for split / /, $given;
    }
    Vodlift::Error->throw('callback', 'no signature is by one of these secrets') unless $genuine;
    if ($body =~ s/\Ajson=//) {
        $body =~ tr/+/ /;
        $body =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
    }
    my $event = eval { JSON::PP->new->utf8->decode($body) };
    Vodlift::Error->throw('callback', 'the body is not JSON') unless ref $event eq 'HASH';
    return $event;
}

sub _webhook_key {
    my ($text) = $_[0] =~ m{\A(?:whsec_)?([A-Za-z0-9+/]{22,}={0,2})\z};
    Vodlift::Error->throw('callback', 'a webhook secret is not whsec_ and base64') unless defined $text;
    return decode_base64($text);
}

# Takes the same time wherever the texts differ.
sub _same {
    my ($one, $other) = @_;
    return 0 if length $one != length $other;
    my $difference = 0;
    $difference |= ord(substr $one, $_, 1) ^ ord(substr $other, $_, 1) for 0 .. length($one) - 1;
    return $difference == 0 ? 1 : 0;
}

sub _call {
    my ($self, $command, $fields, $deadline) = @_;
    my %request = (command => $command, api_key => $self->{api_key}, timestamp => time, cdn => 0 + $self->{cdn}, %{ $fields || {} });
    my $text = JSON::PP->new->ascii->canonical->encode(\%request);
    my $signature = $self->{sign}->($text);
    $text =~ s/\}\z/,"signature":"$signature"}/;
    for (my $attempt = 0;; ++$attempt) {
        my @data = eval { $self->_post($text, _max(1, _min($self->{timeout}, $deadline - _now()))) };
        return $data[0] if @data;
        my $error = $@;
        die $error unless ref $error && $error->{retryable} && $attempt < $self->{retries};
        my $pause = _max($error->{retry_after}, (0.5 + rand(0.5)) * _min(8, 0.5 * 2**$attempt));
        die $error if _now() + $pause >= $deadline;
        sleep($pause);
    }
}

sub _post {
    my ($self, $text, $timeout) = @_;
    my ($deadline, $answer) = (_now() + $timeout, '');
    my $http = HTTP::Tiny->new(timeout => $timeout, max_redirect => 0, verify_SSL => 1, keep_alive => 0);
    my $response = $http->request('POST', $self->{url}, {
        headers => { 'Content-Type' => 'application/x-www-form-urlencoded' },
        content => $http->www_form_urlencode({ json => $text }),
        data_callback => sub {
            $answer .= $_[0];
            die "the answer is too large\n" if length $answer > $MOST_BYTES;
            die "the answer takes too long\n" if _now() > $deadline;
        },
    });
    Vodlift::Error->throw('answer', 'the answer is too large') if length $answer > $MOST_BYTES;
    if ($response->{status} == 599) {  # HTTP::Tiny's own faults
        (my $reason = $response->{content}) =~ s/\s+\z//;
        Vodlift::Error->throw('network', "no answer: $reason", 1);
    }
    return _data($response, $answer);
}

sub _data {
    my ($response, $text) = @_;
    my $status = $response->{status};
    my $header = $response->{headers}{'retry-after'};
    my $retry_after = defined $header && $header =~ /\A[0-9]{1,6}\z/ ? $header : 0;
    my $transient = $status == 408 || $status == 429 || $status >= 500;
    my $answer = eval { JSON::PP->new->utf8->decode($text) };
    $answer = {} unless ref $answer eq 'HASH';
    return $answer->{data} if ($answer->{status} || '') eq 'success';
    if (!defined $answer->{code}) {
        my $code = $status == 200 ? 'answer' : "http_$status";
        Vodlift::Error->throw($code, 'this is no answer of vodlift', $transient || $status == 200, $retry_after);
    }
    Vodlift::Error->throw($answer->{code}, $answer->{message}, $transient || $answer->{code} =~ /\A(?:0004|1000)\z/, $retry_after);
}

sub _now { return clock_gettime(CLOCK_MONOTONIC) }
sub _min { return $_[0] < $_[1] ? $_[0] : $_[1] }
sub _max { return $_[0] > $_[1] ? $_[0] : $_[1] }

# code: four digits of the server, or "network", "answer", "http_NNN", "timeout" (of wait), "callback" (of verify).
# retryable: the same call may succeed later. retry_after: seconds that the server asks to wait; 0: it did not ask.
package Vodlift::Error;

use overload '""' => sub { "$_[0]{code}: $_[0]{message}\n" }, fallback => 1;

sub throw {
    my ($class, $code, $message, $retryable, $retry_after) = @_;
    die bless { code => $code, message => $message, retryable => $retryable ? 1 : 0, retry_after => $retry_after || 0 }, $class;
}

1;
