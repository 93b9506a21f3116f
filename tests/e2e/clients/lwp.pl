# Perl's LWP: keys in the order the hash happens to have, slashes and UTF-8 as they are, the signature put in before the
# last brace by hand, urlencoded, to /dev/. Uploads one file, asks how it stands, prints both answers.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256_base64);
use Encode qw(decode_utf8);
use JSON;
use LWP::UserAgent;

my $agent = LWP::UserAgent->new(timeout => 20);

sub call {
    my ($command, %fields) = @_;
    my %request = (
        command   => $command,
        api_key   => $ENV{VODLIFT_API_KEY},
        timestamp => '' . time,
        cdn       => '158',
        %fields,
    );
    my $text = JSON->new->utf8->encode(\%request);
    my $signature = hmac_sha256_base64($text, $ENV{VODLIFT_SECRET});
    $signature .= '=' while length($signature) % 4;
    $text =~ s/\}\z/,"signature":"$signature"}/;
    my $response = $agent->post("$ENV{VODLIFT_URL}/dev/", { json => $text });
    die $response->status_line . "\n" unless $response->is_success;
    return $response->content;
}

my $answer = call(
    'aws.upload',
    path             => decode_utf8($ENV{VODLIFT_PATH}),
    destination_path => decode_utf8($ENV{VODLIFT_DESTINATION}),
    bucket           => $ENV{VODLIFT_BUCKET},
    acl              => 'private',
    metadata         => { title => "Fr\x{fc}hling / \x{6625}" },
    callback         => '',
);
print "$answer\n", call('aws.status', id => decode_json($answer)->{data}), "\n";
