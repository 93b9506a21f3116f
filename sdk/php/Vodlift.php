<?php
// A client of vodlift: signs calls, waits for uploads, verifies callbacks. PHP 7.4 or newer with the extension curl.

/**
 * getCode(): four digits of the server, or "network", "answer", "http_NNN", "timeout" (of wait), "callback" (of verify).
 * $retryable: the same call may succeed later. $retryAfter: seconds that the server asks to wait; 0: it did not ask.
 */
class VodliftException extends RuntimeException
{
    public bool $retryable;
    public int $retryAfter;

    public function __construct(string $code, string $message, bool $retryable = false, int $retryAfter = 0)
    {
        parent::__construct("$code: $message");
        $this->code = $code;
        $this->retryable = $retryable;
        $this->retryAfter = $retryAfter;
    }
}

class Vodlift
{
    const ENDED = ['completed', 'failed', 'cancelled'];
    const WINDOW_S = 240;  // the same signed bytes are sent again for this long; the server takes them for 300 s
    const MOST_BYTES = 16777216;  // of an answer

    private string $url;
    private int $cdn;
    private string $apiKey;
    private float $timeout;
    private int $retries;
    private HashContext $mac;  // has the key, and no dump shows it

    /** $url ends with /stable/. $timeout: seconds for one attempt. $retries: attempts after the first. */
    public function __construct(
        string $url,
        int $cdn,
        string $apiKey,
        #[\SensitiveParameter]
        string $secret,
        float $timeout = 30,
        int $retries = 4
    ) {
        $this->url = $url;
        $this->cdn = $cdn;
        $this->apiKey = $apiKey;
        $this->timeout = $timeout;
        $this->retries = $retries;
        $this->mac = hash_init('sha256', HASH_HMAC, $secret);
    }

    /** The answer's `data`. Throws VodliftException. Sends the same bytes again where that can help: it never acts twice. */
    public function call(string $command, array $fields = [])
    {
        return $this->callUntil($command, $fields, self::now() + self::WINDOW_S);
    }

    /** Queues a file; returns the upload's id. $options: other fields, such as metadata, callback and priority. */
    public function upload(string $path, string $destinationPath, string $bucket, array $options = []): int
    {
        $fields = ['path' => $path, 'destination_path' => $destinationPath, 'bucket' => $bucket];
        return $this->call('aws.upload', $fields + $options);
    }

    /** The upload object of one id; of an array of ids, a list of those that exist, newest first. */
    public function status($ids): array
    {
        $uploads = $this->call('aws.status', ['id' => $ids]);
        return is_array($ids) ? $uploads : $uploads[0];
    }

    /** The upload object when the upload has ended: look at its `state`. Throws "timeout" after $timeout seconds. */
    public function wait(int $id, float $timeout = 3600): array
    {
        $deadline = self::now() + $timeout;
        for ($pause = 0.5;; $pause = min($pause * 1.5, 10)) {
            $asked = 0;
            try {
                $upload = $this->callUntil('aws.status', ['id' => $id], min($deadline, self::now() + self::WINDOW_S))[0];
                if (in_array($upload['state'], self::ENDED, true)) {
                    return $upload;
                }
            } catch (VodliftException $error) {
                if (!$error->retryable) {
                    throw $error;
                }
                $asked = $error->retryAfter;
            }
            $left = $deadline - self::now();
            if ($left <= 0) {
                throw new VodliftException('timeout', "upload $id has not ended within $timeout s", true);
            }
            usleep((int) (1e6 * min(max($pause, $asked), $left)));
        }
    }

    /**
     * The event that a callback brings: message, status, code (of failures), data (the upload object), test.
     * $headers: getallheaders(). $body: file_get_contents('php://input'). $secrets: one "whsec_…" or several.
     * $tolerance: seconds that the message's time may be away from now. Throws VodliftException "callback": answer with 401.
     */
    public static function verify(
        array $headers,
        string $body,
        #[\SensitiveParameter]
        $secrets,
        int $tolerance = 300
    ): array {
        $headers = array_change_key_case($headers, CASE_LOWER);
        $id = $headers['webhook-id'] ?? '';
        $timestamp = $headers['webhook-timestamp'] ?? '';
        if ($id === '' || !preg_match('/\A[0-9]{1,15}\z/', $timestamp)) {
            throw new VodliftException('callback', 'webhook-id or webhook-timestamp is missing');
        }
        if (abs(time() - (int) $timestamp) > $tolerance) {
            throw new VodliftException('callback', 'the message is too old, or this clock is wrong');
        }
        $genuine = false;
        foreach ((array) $secrets as $secret) {
            $mac = hash_hmac('sha256', "$id.$timestamp.$body", self::webhookKey($secret), true);
            foreach (explode(' ', $headers['webhook-signature'] ?? '') as $given) {
                $genuine = hash_equals('v1,' . base64_encode($mac), $given) || $genuine;
            }
        }
        if (!$genuine) {
            throw new VodliftException('callback', 'no signature is by one of these secrets');
        }
        $text = strncmp($body, 'json=', 5) === 0 ? urldecode(substr($body, 5)) : $body;
        $event = json_decode($text, true, 64, JSON_BIGINT_AS_STRING);
        if (!is_array($event)) {
            throw new VodliftException('callback', 'the body is not JSON');
        }
        return $event;
    }

    private static function webhookKey(
        #[\SensitiveParameter]
        string $secret
    ): string {
        $key = base64_decode(preg_replace('/\Awhsec_/', '', $secret), true);
        if ($key === false || strlen($key) < 16) {
            throw new VodliftException('callback', 'a webhook secret is not whsec_ and base64');
        }
        return $key;
    }

    private function callUntil(string $command, array $fields, float $deadline)
    {
        $request = ['command' => $command, 'api_key' => $this->apiKey, 'timestamp' => time(), 'cdn' => $this->cdn];
        $body = http_build_query(['json' => $this->sign($request + $fields)], '', '&');
        for ($attempt = 0;; ++$attempt) {
            try {
                return $this->post($body, max(1, min($this->timeout, $deadline - self::now())));
            } catch (VodliftException $error) {
                $pause = max($error->retryAfter, mt_rand(500, 1000) / 1000 * min(8, 0.5 * 2 ** $attempt));
                if (!$error->retryable || $attempt >= $this->retries || self::now() + $pause >= $deadline) {
                    throw $error;
                }
            }
            usleep((int) (1e6 * $pause));
        }
    }

    private function sign(array $request): string
    {
        $mac = hash_copy($this->mac);
        hash_update($mac, json_encode($request, JSON_THROW_ON_ERROR));
        $request['signature'] = base64_encode(hash_final($mac, true));
        return json_encode($request, JSON_THROW_ON_ERROR);
    }

    private function post(string $body, float $timeout)
    {
        $answer = '';
        $retryAfter = 0;
        $curl = curl_init($this->url);
        curl_setopt_array($curl, [
            CURLOPT_POSTFIELDS => $body,
            CURLOPT_HTTPHEADER => ['Expect:'],  // no round trip before the body
            CURLOPT_TIMEOUT_MS => (int) (1000 * $timeout),
            CURLOPT_FOLLOWLOCATION => false,
            CURLOPT_PROTOCOLS => CURLPROTO_HTTP | CURLPROTO_HTTPS,
            CURLOPT_SSL_VERIFYPEER => true,
            CURLOPT_SSL_VERIFYHOST => 2,
            CURLOPT_HEADERFUNCTION => function ($curl, $line) use (&$retryAfter) {
                if (preg_match('/\Aretry-after:\s*([0-9]{1,6})\s*\z/i', $line, $found)) {
                    $retryAfter = (int) $found[1];
                }
                return strlen($line);
            },
            CURLOPT_WRITEFUNCTION => function ($curl, $piece) use (&$answer) {
                $answer .= $piece;
                return strlen($answer) > self::MOST_BYTES ? -1 : strlen($piece);
            },
        ]);
        $answered = curl_exec($curl);
        if (strlen($answer) > self::MOST_BYTES) {
            throw new VodliftException('answer', 'the answer is too large');
        }
        if ($answered === false) {
            throw new VodliftException('network', 'no answer: ' . curl_error($curl), true);
        }
        return self::data((int) curl_getinfo($curl, CURLINFO_RESPONSE_CODE), $retryAfter, $answer);
    }

    private static function data(int $status, int $retryAfter, string $text)
    {
        $transient = $status === 408 || $status === 429 || $status >= 500;
        $answer = json_decode($text, true, 64, JSON_BIGINT_AS_STRING);
        if (is_array($answer) && isset($answer['data']) && ($answer['status'] ?? '') === 'success') {
            return $answer['data'];
        }
        if (!is_array($answer) || !isset($answer['code'], $answer['message'])) {
            $code = $status === 200 ? 'answer' : "http_$status";
            throw new VodliftException($code, 'this is no answer of vodlift', $transient || $status === 200, $retryAfter);
        }
        $again = $transient || in_array($answer['code'], ['0004', '1000'], true);
        throw new VodliftException($answer['code'], $answer['message'], $again, $retryAfter);
    }

    private static function now(): float
    {
        return hrtime(true) / 1e9;
    }
}
