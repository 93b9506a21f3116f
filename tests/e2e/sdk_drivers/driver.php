<?php
// As driver.py, with sdk/php/Vodlift.php.
require getenv('SDK') . '/php/Vodlift.php';
ini_set('zend.exception_ignore_args', '0');

$given = json_decode(stream_get_contents(STDIN), true);
$client = new Vodlift($given['url'], $given['cdn'], $given['api_key'], $given['secret'], $given['timeout'], $given['retries']);
foreach ($given['calls'] as $arguments) {
    $name = array_shift($arguments);
    try {
        if ($name === 'dump') {
            ob_start();
            var_dump($client);
            var_export($client);
            $result = ob_get_clean();
        } else {
            $result = $name === 'verify' ? Vodlift::verify(...$arguments) : $client->$name(...$arguments);
        }
        echo json_encode(['result' => $result]), "\n";
    } catch (VodliftException $error) {
        echo json_encode(['code' => $error->getCode(), 'message' => $error->getMessage(), 'retryable' => $error->retryable,
                          'dump' => $error . print_r($error, true)]), "\n";
    }
}
