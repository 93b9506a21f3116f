# As driver.py, with sdk/perl/Vodlift.pm.
use strict;
use warnings;
use lib "$ENV{SDK}/perl";
use Data::Dumper;
use JSON::PP;
use Vodlift;

my $given = decode_json(join '', <STDIN>);
my $client = Vodlift->new(map { $_ => $given->{$_} } qw(url cdn api_key secret timeout retries));
for my $call (@{ $given->{calls} }) {
    my ($name, @rest) = @$call;
    my $result = eval {
        if ($name eq 'verify') {
            utf8::encode($rest[1]);
            { result => Vodlift::verify(@rest) };
        } else {
            { result => $name eq 'dump' ? Dumper($client) : $client->$name(@rest) };
        }
    };
    my $error = $@;
    die $error if !$result && !ref $error;
    $result ||= { code => $error->{code}, message => "$error", retryable => $error->{retryable} ? JSON::PP::true : JSON::PP::false,
                  dump => Dumper($error) };
    print encode_json($result), "\n";
}
