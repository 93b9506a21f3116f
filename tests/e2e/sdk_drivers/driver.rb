# As driver.py, with sdk/ruby/vodlift.rb.
require "#{ENV['SDK']}/ruby/vodlift"

given = JSON.parse($stdin.read)
names = %w[url cdn api_key secret timeout retries]
client = Vodlift::Client.new(**given.slice(*names).transform_keys(&:to_sym))
given['calls'].each do |name, *rest|
  result = name == 'dump' ? client.inspect : (name == 'verify' ? Vodlift : client).public_send(name, *rest)
  puts JSON.generate('result' => result)
rescue Vodlift::Error => e
  puts JSON.generate('code' => e.code, 'message' => e.message, 'retryable' => e.retryable, 'dump' => e.full_message + e.inspect)
end
