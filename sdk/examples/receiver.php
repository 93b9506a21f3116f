<?php
// Receives vodlift's callbacks: a page of your web server, which has WEBHOOK_SECRETS in its environment. While your secret is
// replaced, WEBHOOK_SECRETS has both, with a space between them. To try it: WEBHOOK_SECRETS=whsec_… php -S 127.0.0.1:8000 receiver.php
require __DIR__ . '/../php/Vodlift.php';

const MOST_BYTES = 1048576;
$body = file_get_contents('php://input', false, null, 0, MOST_BYTES + 1);
if (strlen($body) > MOST_BYTES) {
    http_response_code(413);
    exit;
}
try {
    $event = Vodlift::verify(getallheaders(), $body, explode(' ', getenv('WEBHOOK_SECRETS')));
} catch (VodliftException $error) {
    error_log($error->getMessage());
    http_response_code(401);
    exit;
}
// Do your work here, once for each webhook-id: a callback may come again. Then answer; any 2xx ends it.
error_log('upload ' . $event['data']['id'] . ': ' . $event['message']);
http_response_code(204);
