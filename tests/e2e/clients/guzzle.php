<?php
// Guzzle, which sends form_params urlencoded. Uploads one file, asks how it stands, prints both answers.

require 'GuzzleHttp/autoload.php';

use GuzzleHttp\Client;

final class ControlPanel {
    private Client $http;

    public function __construct(string $url, private string $key, private string $secret, private string $cdn) {
        $this->http = new Client(['base_uri' => $url, 'timeout' => 20]);
    }

    public function send(string $command, array $parameters): string {
        $message = array_merge($parameters, [
            'command' => $command,
            'api_key' => $this->key,
            'cdn' => $this->cdn,
            'timestamp' => (string) time(),
        ]);
        $mac = hash_hmac('sha256', json_encode($message), $this->secret, true);
        $message['signature'] = base64_encode($mac);
        $response = $this->http->post('/stable/', ['form_params' => ['json' => json_encode($message)]]);
        return (string) $response->getBody();
    }
}

$panel = new ControlPanel(getenv('VODLIFT_URL'), getenv('VODLIFT_API_KEY'), getenv('VODLIFT_SECRET'), '158');
$answer = $panel->send('aws.upload', [
    'path' => getenv('VODLIFT_PATH'),
    'destination_path' => getenv('VODLIFT_DESTINATION'),
    'bucket' => getenv('VODLIFT_BUCKET'),
    'metadata' => ['from' => 'guzzle'],
]);
echo $answer, "\n", $panel->send('aws.status', ['id' => json_decode($answer)->data]), "\n";
