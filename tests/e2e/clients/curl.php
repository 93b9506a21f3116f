<?php
// PHP's curl extension. Argument: "array" sends CURLOPT_POSTFIELDS as an array (multipart), "string" as a query string
// (urlencoded). Uploads one file, asks how it stands, prints both answers.

function call(string $command, array $fields): string {
    global $argv;
    $request = array(
        'command' => $command,
        'api_key' => getenv('VODLIFT_API_KEY'),
        'timestamp' => time(),
        'cdn' => 158,
    ) + $fields;
    $request['signature'] = base64_encode(
        hash_hmac('sha256', json_encode($request), getenv('VODLIFT_SECRET'), true));
    $form = array('json' => json_encode($request));

    $ch = curl_init(getenv('VODLIFT_URL') . '/stable/');
    curl_setopt_array($ch, array(
        CURLOPT_POST => true,
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 20,
        CURLOPT_POSTFIELDS => $argv[1] === 'string' ? http_build_query($form) : $form,
    ));
    $body = curl_exec($ch);
    if ($body === false) {
        fwrite(STDERR, curl_error($ch) . "\n");
        exit(1);
    }
    return $body;
}

$answer = call('aws.upload', array(
    'path' => getenv('VODLIFT_PATH'),
    'destination_path' => getenv('VODLIFT_DESTINATION'),
    'metadata' => array(),
    'acl' => 'private',
    'bucket' => getenv('VODLIFT_BUCKET'),
    'callback' => '',
));
echo $answer, "\n", call('aws.status', array('id' => json_decode($answer)->data)), "\n";
