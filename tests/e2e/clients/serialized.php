<?php
// PHP's curl extension with the field php. First argument: what the field holds, "serialized" or "text" (JSON); second:
// what is signed, "json" or "serialized". Uploads one file, asks how it stands, reads both answers with unserialize() and
// prints them as JSON, for the test to read.

function call(string $command, array $fields): array {
    global $argv;
    $request = array(
        'command' => $command,
        'api_key' => getenv('VODLIFT_API_KEY'),
        'timestamp' => time(),
        'cdn' => 158,
    ) + $fields;
    $signed = $argv[2] === 'serialized' ? serialize($request) : json_encode($request);
    $request['signature'] = base64_encode(hash_hmac('sha256', $signed, getenv('VODLIFT_SECRET'), true));
    $value = $argv[1] === 'serialized' ? serialize($request) : json_encode($request);

    $ch = curl_init(getenv('VODLIFT_URL') . '/stable/');
    curl_setopt_array($ch, array(
        CURLOPT_POST => true,
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 20,
        CURLOPT_POSTFIELDS => array('php' => $value),
    ));
    $body = curl_exec($ch);
    $answer = $body === false ? false : unserialize($body, array('allowed_classes' => false));
    if (!is_array($answer)) {
        fwrite(STDERR, curl_error($ch) . " $body\n");
        exit(1);
    }
    return $answer;
}

$answer = call('aws.upload', array(
    'path' => getenv('VODLIFT_PATH'),
    'destination_path' => getenv('VODLIFT_DESTINATION'),
    'metadata' => array('title' => 'Frühling / 春 "1"', 'count' => 3),
    'acl' => 'private',
    'bucket' => getenv('VODLIFT_BUCKET'),
    'callback' => '',
    'ratio' => 16 / 9,
    'draft' => false,
));
echo json_encode($answer), "\n", json_encode(call('aws.status', array('id' => array($answer['data'])))), "\n";
