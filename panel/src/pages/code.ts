// Programs in the reader's language: a call of the REST API, and a signed request of the legacy API.
import type {Request} from '../api';

export const kLanguages: [string, string][] = [['curl', 'curl'], ['php', 'PHP'], ['python', 'Python'], ['javascript', 'JavaScript'], ['perl', 'Perl'], ['ruby', 'Ruby'], ['go', 'Go']];

const json = (value: unknown): string => JSON.stringify(value, null, 2);
const shell = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const single = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

// A call with a bearer token.
export function restCode(language: string, request: Request, origin: string): string {
  const url = origin + request.url;
  const body = request.body ? json(request.body) : '';
  const changes = request.method !== 'GET';
  switch (language) {
    case 'php':
      return `<?php
$ch = curl_init(${single(url)});
curl_setopt($ch, CURLOPT_RETURNTRANSFER, true);
curl_setopt($ch, CURLOPT_CUSTOMREQUEST, '${request.method}');
curl_setopt($ch, CURLOPT_HTTPHEADER, array('Authorization: Bearer ' . getenv('VODLIFT_TOKEN')${body ? ", 'Content-Type: application/json'" : ''}));
${body ? `curl_setopt($ch, CURLOPT_POSTFIELDS, ${single(body)});\n` : ''}print_r(json_decode(curl_exec($ch), true));
`;
    case 'python':
      return `import json, os, urllib.request

request = urllib.request.Request(${JSON.stringify(url)}, method="${request.method}")
request.add_header("Authorization", "Bearer " + os.environ["VODLIFT_TOKEN"])
${body ? `request.add_header("Content-Type", "application/json")\nrequest.data = json.dumps(json.loads(r"""${body}""")).encode()\n` : ''}with urllib.request.urlopen(request) as response:
    print(json.load(response))
`;
    case 'javascript':
      return `const response = await fetch(${JSON.stringify(url)}, {
  method: '${request.method}',
  headers: {Authorization: 'Bearer ' + process.env.VODLIFT_TOKEN${body ? ", 'Content-Type': 'application/json'" : ''}},
${body ? `  body: JSON.stringify(${body.replaceAll('\n', '\n  ')}),\n` : ''}});
console.log(await response.json());
`;
    case 'perl':
      return `use HTTP::Tiny; use JSON::PP;
my $response = HTTP::Tiny->new->request('${request.method}', ${single(url)}, {
  headers => {Authorization => "Bearer $ENV{VODLIFT_TOKEN}"${body ? ", 'Content-Type' => 'application/json'" : ''}},
${body ? `  content => ${single(body)},\n` : ''}});
print $response->{content};
`;
    case 'ruby':
      return `require 'net/http'
uri = URI(${single(url)})
request = Net::HTTP::${request.method[0]}${request.method.slice(1).toLowerCase()}.new(uri)
request['Authorization'] = "Bearer #{ENV['VODLIFT_TOKEN']}"
${body ? `request['Content-Type'] = 'application/json'\nrequest.body = ${single(body)}\n` : ''}puts Net::HTTP.start(uri.host, uri.port, use_ssl: uri.scheme == 'https') { |http| http.request(request) }.body
`;
    case 'go':
      return `package main

import (
	"io"
	"net/http"
	"os"
${body ? '	"strings"\n' : ''})

func main() {
	request, _ := http.NewRequest("${request.method}", ${JSON.stringify(url)}, ${body ? 'strings.NewReader(`' + body + '`)' : 'nil'})
	request.Header.Set("Authorization", "Bearer "+os.Getenv("VODLIFT_TOKEN"))
${body ? '	request.Header.Set("Content-Type", "application/json")\n' : ''}	response, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	io.Copy(os.Stdout, response.Body)
}
`;
    default:
      return [`curl ${changes ? `-X ${request.method} ` : ''}${shell(url)}`, `-H "Authorization: Bearer $VODLIFT_TOKEN"`, ...(body ? [`-H 'Content-Type: application/json'`, `-d ${shell(body)}`] : [])].join(' \\\n  ') + '\n';
  }
}

type Fields = Record<string, unknown>;

// Values as each language writes them.
function literal(language: string, value: unknown, indent: string): string {
  const inner = indent + '    ';
  if (typeof value === 'string') return language === 'php' || language === 'perl' || language === 'ruby' ? single(value) : JSON.stringify(value);
  if (Array.isArray(value)) {
    const all = value.map((one) => literal(language, one, inner)).join(', ');
    return language === 'php' ? `array(${all})` : language === 'go' ? `[]any{${all}}` : `[${all}]`;
  }
  if (value !== null && typeof value === 'object') {
    const all = Object.entries(value).map(([name, one]) => pair(language, name, literal(language, one, inner)));
    if (language === 'php') return `array(${all.join(', ')})`;
    if (language === 'go') return `map[string]any{${all.join(', ')}}`;
    return `{${all.join(', ')}}`;
  }
  return String(value);
}
function pair(language: string, name: string, value: string): string {
  switch (language) {
    case 'php':
    case 'perl':
    case 'ruby':
      return `'${name}' => ${value}`;
    default:
      return `"${name}": ${value}`;
  }
}
const lines = (language: string, fields: Fields, indent: string): string => Object.entries(fields).map(([name, value]) => `${indent}${pair(language, name, literal(language, value, indent))},`).join('\n');

// A signed request. The time is the program's; the secret is read from the environment.
export function legacyCode(language: string, url: string, command: string, apiKey: string, cdn: number, fields: Fields): string {
  const head = {command, api_key: apiKey};
  const rest = {cdn, ...fields};
  switch (language) {
    case 'php':
      return `<?php
$request = array(
${lines('php', head, '    ')}
    'timestamp' => time(),
${lines('php', rest, '    ')}
);
$request['signature'] = base64_encode(hash_hmac('sha256', json_encode($request), getenv('VODLIFT_SECRET'), true));

$ch = curl_init(${single(url)});
curl_setopt($ch, CURLOPT_POST, true);
curl_setopt($ch, CURLOPT_RETURNTRANSFER, true);
curl_setopt($ch, CURLOPT_POSTFIELDS, array('json' => json_encode($request)));
$answer = curl_exec($ch);
if ($answer === false) die('No connection: ' . curl_error($ch) . "\\n");
print_r(json_decode($answer, true));
`;
    case 'python':
      return `import base64, hashlib, hmac, json, os, time, urllib.parse, urllib.request

request = {
${lines('python', head, '    ')}
    "timestamp": int(time.time()),
${lines('python', rest, '    ')}
}
mac = hmac.new(os.environ["VODLIFT_SECRET"].encode(), json.dumps(request).encode(), hashlib.sha256).digest()
request["signature"] = base64.b64encode(mac).decode()
body = urllib.parse.urlencode({"json": json.dumps(request)}).encode()
with urllib.request.urlopen(${JSON.stringify(url)}, body) as response:
    print(json.load(response))
`;
    case 'javascript':
      return `import {createHmac} from 'node:crypto';

const request = {
${lines('javascript', head, '  ')}
  "timestamp": Math.floor(Date.now() / 1000),
${lines('javascript', rest, '  ')}
};
request.signature = createHmac('sha256', process.env.VODLIFT_SECRET).update(JSON.stringify(request)).digest('base64');
const response = await fetch(${JSON.stringify(url)}, {method: 'POST', body: new URLSearchParams({json: JSON.stringify(request)})});
console.log(await response.json());
`;
    case 'perl':
      return `use utf8; use Digest::SHA qw(hmac_sha256); use HTTP::Tiny; use JSON::PP; use MIME::Base64;

my $request = {
${lines('perl', head, '    ')}
    'timestamp' => time,
${lines('perl', rest, '    ')}
};
my $text = JSON::PP->new->canonical->ascii->encode($request);
my $signature = encode_base64(hmac_sha256($text, $ENV{VODLIFT_SECRET}), '');
$text =~ s/}$/,"signature":"$signature"}/;
print HTTP::Tiny->new->post_form(${single(url)}, {json => $text})->{content};
`;
    case 'ruby':
      return `require 'json'; require 'net/http'; require 'openssl'

request = {
${lines('ruby', head, '  ')}
  'timestamp' => Time.now.to_i,
${lines('ruby', rest, '  ')}
}
mac = OpenSSL::HMAC.digest('sha256', ENV['VODLIFT_SECRET'], request.to_json)
request['signature'] = [mac].pack('m0')
puts Net::HTTP.post_form(URI(${single(url)}), 'json' => request.to_json).body
`;
    case 'go':
      return `package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"
)

func main() {
	request := map[string]any{
${lines('go', head, '\t\t')}
		"timestamp": time.Now().Unix(),
${lines('go', rest, '\t\t')}
	}
	text, _ := json.Marshal(request)
	mac := hmac.New(sha256.New, []byte(os.Getenv("VODLIFT_SECRET")))
	mac.Write(text)
	signature := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	// The text that was signed, with "signature" at its end.
	signed := string(text[:len(text)-1]) + \`,"signature":"\` + signature + \`"}\`
	response, err := http.PostForm(${JSON.stringify(url)}, url.Values{"json": {signed}})
	if err != nil {
		panic(err)
	}
	io.Copy(os.Stdout, response.Body)
}
`;
    default:
      return `now=$(date +%s)
text=${shell(JSON.stringify({...head, timestamp: 0, ...rest}).replace('"timestamp":0', '"timestamp":NOW'))}
text=\${text/NOW/$now}
signature=$(printf %s "$text" | openssl dgst -sha256 -hmac "$VODLIFT_SECRET" -binary | base64)
curl ${shell(url)} --data-urlencode "json=\${text%\\}},\\"signature\\":\\"$signature\\"}"
`;
  }
}

// How a receiver finds out that a callback is ours (Standard Webhooks).
export function verifyCode(language: string): string {
  switch (language) {
    case 'php':
      return `<?php
$body = file_get_contents('php://input');
$id = $_SERVER['HTTP_WEBHOOK_ID'];
$time = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'];
$key = base64_decode(substr(getenv('WEBHOOK_SECRET'), strlen('whsec_')));
$expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$time.$body", $key, true));
$good = abs(time() - (int)$time) < 300;
$found = false;
foreach (explode(' ', $_SERVER['HTTP_WEBHOOK_SIGNATURE']) as $one) $found = $found || hash_equals($expected, $one);
http_response_code($good && $found ? 204 : 401);
`;
    case 'python':
      return `import base64, hashlib, hmac, os, time

def is_genuine(headers, body):
    id, at = headers["webhook-id"], headers["webhook-timestamp"]
    key = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
    mac = hmac.new(key, f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(mac).decode()
    fresh = abs(time.time() - int(at)) < 300
    return fresh and any(hmac.compare_digest(expected, one) for one in headers["webhook-signature"].split())
`;
    case 'ruby':
      return `require 'base64'; require 'openssl'

def genuine?(headers, body)
  id, at = headers['webhook-id'], headers['webhook-timestamp']
  key = Base64.decode64(ENV['WEBHOOK_SECRET'].delete_prefix('whsec_'))
  expected = 'v1,' + Base64.strict_encode64(OpenSSL::HMAC.digest('sha256', key, "#{id}.#{at}.#{body}"))
  (Time.now.to_i - at.to_i).abs < 300 && headers['webhook-signature'].split.any? { |one| OpenSSL.secure_compare(expected, one) }
end
`;
    case 'go':
      return `func isGenuine(header http.Header, body []byte) bool {
	id, at := header.Get("webhook-id"), header.Get("webhook-timestamp")
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(os.Getenv("WEBHOOK_SECRET"), "whsec_"))
	mac := hmac.New(sha256.New, key)
	mac.Write(append([]byte(id+"."+at+"."), body...))
	expected := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	seconds, _ := strconv.ParseInt(at, 10, 64)
	if age := time.Now().Unix() - seconds; age > 300 || age < -300 {
		return false
	}
	for _, one := range strings.Fields(header.Get("webhook-signature")) {
		if hmac.Equal([]byte(expected), []byte(one)) {
			return true
		}
	}
	return false
}
`;
    default:
      return `import {createHmac, timingSafeEqual} from 'node:crypto';

export function isGenuine(headers, body) {
  const {'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signatures} = headers;
  const key = Buffer.from(process.env.WEBHOOK_SECRET.slice('whsec_'.length), 'base64');
  const expected = Buffer.from('v1,' + createHmac('sha256', key).update(\`\${id}.\${at}.\`).update(body).digest('base64'));
  const fresh = Math.abs(Date.now() / 1000 - Number(at)) < 300;
  return fresh && signatures.split(' ').some((one) => one.length === expected.length && timingSafeEqual(Buffer.from(one), expected));
}
`;
  }
}
