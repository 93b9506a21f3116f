# frozen_string_literal: true

# A client of vodlift: signs calls, waits for uploads, verifies callbacks. Ruby 2.7 or newer, no gems.

require 'json'
require 'net/http'
require 'openssl'
require 'uri'

module Vodlift
  ENDED = %w[completed failed cancelled].freeze
  WINDOW_S = 240 # the same signed bytes are sent again for this long; the server takes them for 300 s
  MOST_BYTES = 16 * 1024 * 1024 # of an answer
  NETWORK_ERRORS = [SystemCallError, SocketError, IOError, Timeout::Error, OpenSSL::SSL::SSLError, Net::ProtocolError,
                    Net::HTTPBadResponse, Net::HTTPHeaderSyntaxError].freeze

  # `code`: four digits of the server, or "network", "answer", "http_NNN", "timeout" (of wait), "callback" (of verify).
  # `retryable`: the same call may succeed later. `retry_after`: seconds that the server asks to wait; 0: it did not ask.
  class Error < StandardError
    attr_reader :code, :retryable, :retry_after

    def initialize(code, message, retryable: false, retry_after: 0)
      super("#{code}: #{message}")
      @code, @retryable, @retry_after = code, retryable, retry_after
    end
  end

  def self.now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  # May be used by several threads at once.
  class Client
    # `url` ends with /stable/. `timeout`: seconds for one attempt. `retries`: attempts after the first.
    def initialize(url:, cdn:, api_key:, secret:, timeout: 30, retries: 4)
      @url, @cdn, @api_key, @timeout, @retries = URI(url), Integer(cdn), api_key, timeout, retries
      @sign = ->(text) { [OpenSSL::HMAC.digest('sha256', secret, text)].pack('m0') } # so that inspect shows no secret
    end

    # The answer's `data`. Raises Error. Sends the same bytes again where that can help: it never acts twice.
    def call(command, fields = {})
      call_until(command, fields, Vodlift.now + WINDOW_S)
    end

    # Queues a file; returns the upload's id. `options`: other fields, such as metadata, callback and priority.
    def upload(path, destination_path, bucket, options = {})
      call('aws.upload', { path: path, destination_path: destination_path, bucket: bucket }.merge(options))
    end

    # The upload object of one id; of an array of ids, an array of those that exist, newest first.
    def status(ids)
      uploads = call('aws.status', { id: ids })
      ids.is_a?(Array) ? uploads : uploads[0]
    end

    # The upload object when the upload has ended: look at its `state`. Raises "timeout" after `timeout` seconds.
    def wait(id, timeout = 3600)
      deadline = Vodlift.now + timeout
      pause = 0.5
      loop do
        asked = 0
        begin
          upload = call_until('aws.status', { id: id }, [deadline, Vodlift.now + WINDOW_S].min)[0]
          return upload if ENDED.include?(upload['state'])
        rescue Error => e
          raise unless e.retryable
          asked = e.retry_after
        end
        left = deadline - Vodlift.now
        raise Error.new('timeout', "upload #{id} has not ended within #{timeout} s", retryable: true) if left <= 0
        sleep([[pause, asked].max, left].min)
        pause = [pause * 1.5, 10].min
      end
    end

    private

    def call_until(command, fields, deadline)
      request = { 'command' => command, 'api_key' => @api_key, 'timestamp' => Time.now.to_i, 'cdn' => @cdn }
      text = JSON.generate(request.merge(fields.transform_keys(&:to_s)))
      body = URI.encode_www_form('json' => "#{text[0...-1]},\"signature\":\"#{@sign.call(text)}\"}")
      attempt = 0
      begin
        post(body, [1, [@timeout, deadline - Vodlift.now].min].max)
      rescue Error => e
        pause = [e.retry_after, rand(0.5..1.0) * [8, 0.5 * 2**attempt].min].max
        raise if !e.retryable || attempt >= @retries || Vodlift.now + pause >= deadline
        sleep(pause)
        attempt += 1
        retry
      end
    end

    def post(body, timeout)
      deadline = Vodlift.now + timeout
      request = Net::HTTP::Post.new(@url, 'Content-Type' => 'application/x-www-form-urlencoded', 'Accept-Encoding' => 'identity')
      request.body = body
      options = { use_ssl: @url.scheme == 'https', verify_mode: OpenSSL::SSL::VERIFY_PEER, max_retries: 0, open_timeout: timeout,
                  read_timeout: timeout, write_timeout: timeout, ssl_timeout: timeout }
      answer = String.new
      response = Net::HTTP.start(@url.hostname, @url.port, options) do |http|
        http.request(request) do |reading|
          reading.read_body do |piece|
            raise Error.new('answer', 'the answer is too large') if answer.bytesize + piece.bytesize > MOST_BYTES
            raise Timeout::Error, 'the answer takes too long' if Vodlift.now > deadline
            answer << piece
          end
        end
      end
      data(response, answer.force_encoding(Encoding::UTF_8))
    rescue *NETWORK_ERRORS => e
      raise Error.new('network', "no answer: #{e.message}", retryable: true), cause: nil
    end

    def data(response, text)
      status = response.code.to_i
      retry_after = response['Retry-After'].to_s.match?(/\A[0-9]{1,6}\z/) ? response['Retry-After'].to_i : 0
      transient = [408, 429].include?(status) || status >= 500
      answer = begin
        JSON.parse(text)
      rescue JSON::ParserError
        nil
      end
      answer = {} unless answer.is_a?(Hash)
      return answer['data'] if answer['status'] == 'success'
      code = answer['code']
      raise Error.new(code, answer['message'], retryable: transient || %w[0004 1000].include?(code), retry_after: retry_after) if code
      raise Error.new(status == 200 ? 'answer' : "http_#{status}", 'this is no answer of vodlift',
                      retryable: transient || status == 200, retry_after: retry_after)
    end
  end

  # The event that a callback brings: message, status, code (of failures), data (the upload object), test.
  # `headers`: a hash of all headers, in any case. `body`: the bytes as they came. `secrets`: one "whsec_…" or several.
  # `tolerance`: seconds that the message's time may be away from now. Raises Error "callback": answer with 401.
  def self.verify(headers, body, secrets, tolerance = 300)
    headers = headers.to_h.transform_keys(&:downcase)
    id, timestamp = headers.values_at('webhook-id', 'webhook-timestamp').map(&:to_s)
    if id.empty? || !timestamp.match?(/\A[0-9]{1,15}\z/)
      raise Error.new('callback', 'webhook-id or webhook-timestamp is missing')
    end
    if (Time.now.to_f - timestamp.to_i).abs > tolerance
      raise Error.new('callback', 'the message is too old, or this clock is wrong')
    end
    signed = "#{id}.#{timestamp}.".b + body.b
    given = headers['webhook-signature'].to_s.split
    genuine = Array(secrets).map do |secret|
      wanted = "v1,#{[OpenSSL::HMAC.digest('sha256', webhook_key(secret), signed)].pack('m0')}"
      given.count { |one| one.bytesize == wanted.bytesize && OpenSSL.fixed_length_secure_compare(one, wanted) }
    end
    raise Error.new('callback', 'no signature is by one of these secrets') unless genuine.sum.positive?
    text = body.dup.force_encoding(Encoding::UTF_8)
    JSON.parse(text.start_with?('json=') ? URI.decode_www_form(text).assoc('json')[1] : text)
  rescue JSON::ParserError, ArgumentError
    raise Error.new('callback', 'the body is not JSON'), cause: nil
  end

  def self.webhook_key(secret)
    key = begin
      secret.delete_prefix('whsec_').unpack1('m0')
    rescue ArgumentError
      ''
    end
    raise Error.new('callback', 'a webhook secret is not whsec_ and base64') if key.bytesize < 16
    key
  end
  private_class_method :webhook_key
end
