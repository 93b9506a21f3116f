# Ruby's rest-client: multipart, and the cdn as a string. Uploads one file, asks how it stands, prints both answers.
require 'base64'
require 'json'
require 'openssl'
require 'rest-client'

def call(command, fields)
  request = { command: command, api_key: ENV.fetch('VODLIFT_API_KEY'), timestamp: Time.now.to_i, cdn: '158' }
  request.merge!(fields)
  mac = OpenSSL::HMAC.digest('SHA256', ENV.fetch('VODLIFT_SECRET'), request.to_json)
  request[:signature] = Base64.strict_encode64(mac)
  RestClient.post("#{ENV.fetch('VODLIFT_URL')}/stable/", { json: request.to_json, multipart: true }).body
end

answer = call('aws.upload', path: ENV.fetch('VODLIFT_PATH'), destination_path: ENV.fetch('VODLIFT_DESTINATION'),
                            metadata: {}, acl: 'private', bucket: ENV.fetch('VODLIFT_BUCKET'), callback: '')
puts answer, call('aws.status', id: JSON.parse(answer)['data'])
