#include "core/sign_in.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/network.h"

namespace vodlift {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr std::size_t kNetworks = 4096;

Error wrong() { return {Errc::not_authorized, "the name or the password is wrong"}; }

SignInAnswer refused(Error error) { return {.begun = {}, .refusal = {std::move(error), seconds(0)}}; }

SignInAnswer refused_for(nanoseconds wait) {
  const seconds after = std::max(std::chrono::ceil<seconds>(wait), seconds(1));
  return {.begun = {},
          .refusal = {{Errc::overloaded, fmt::format("too many tries; try again in {} s", after.count())}, after},
          .too_often = true};
}

// What no stored password can be.
Result<> check_bytes(const Secret& password) {
  if (password.reveal().size() > kMaxPasswordBytes) {
    return Error{Errc::invalid_value, fmt::format("password: at most {} bytes", kMaxPasswordBytes)};
  }
  if (password.reveal().find('\0') != std::string_view::npos) {
    return Error{Errc::invalid_value, "password: a NUL is not allowed"};
  }
  return {};
}

// Bytes that begin a character of UTF-8.
std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

// One of the places for a computation of a hash, from its construction until it goes.
class SignIn::Place {
 public:
  explicit Place(SignIn& owner) : owner_(owner) {
    std::unique_lock lock(owner.mutex_);
    taken_ = owner.free_.wait_for(lock, owner.limits_.patience,
                                  [&] { return owner.hashing_ < owner.limits_.hashes_at_once; });
    if (taken_) ++owner.hashing_;
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    if (!taken_) return;
    {
      const std::lock_guard lock(owner_.mutex_);
      --owner_.hashing_;
    }
    owner_.free_.notify_one();
  }
  [[nodiscard]] bool taken() const { return taken_; }
  static Error none() { return {Errc::overloaded, "too many people sign in at the same time; try again in a moment"}; }

 private:
  SignIn& owner_;
  bool taken_ = false;
};

std::string client_network(std::string_view address) {
  const auto parsed = parse_address(address);
  if (!parsed || !parsed->v6) return std::string(address);
  Address network = *parsed;
  std::fill(network.bytes.begin() + 8, network.bytes.end(), std::uint8_t{0});
  return to_string(network);
}

SignIn::SignIn(People& people, Sessions& sessions, const PasswordHasher& hasher, SteadyClock now, const Limits& limits)
    : people_(people),
      sessions_(sessions),
      hasher_(hasher),
      now_(std::move(now)),
      limits_(limits),
      rate_(limits.tries, kNetworks) {}

SignIn::SignIn(People& people, Sessions& sessions, const PasswordHasher& hasher, SteadyClock now)
    : SignIn(people, sessions, hasher, std::move(now), Limits{}) {}

std::optional<SignInAnswer> SignIn::refusal_by_rate(const std::string& network) {
  const nanoseconds wait = rate_.take(network, now_());
  if (wait == nanoseconds::zero()) return std::nullopt;
  return refused_for(wait);
}

Result<Person> SignIn::check(const std::string& name, const Secret& password) {
  const Place place(*this);
  if (!place.taken()) return Place::none();
  const auto found = people_.find(name);
  if (!found) return found.error();
  const std::optional<Person>& person = *found;
  const bool known = person && !person->invited();
  const auto matches = hasher_.matches(known ? person->password : hasher_.decoy(), password);
  if (!matches) return matches.error();
  if (!known || !*matches) return wrong();
  if (hasher_.is_outdated(person->password)) {
    // Who has the right password comes in, even if the better hash cannot be made or stored now.
    if (const auto better = hasher_.hash(password); better) static_cast<void>(people_.replace_hash(*person, *better));
  }
  return *person;
}

Result<Person> SignIn::check_slowly(const std::string& name, const Secret& password, const std::string& network,
                                    nanoseconds& wait) {
  const std::string who = network + " " + name;
  wait = delay_.begin(who, now_());
  if (wait > nanoseconds::zero()) return wrong();
  auto person = check(name, password);
  if (person) {
    delay_.succeeded(who);
  } else if (person.error().code != Errc::not_authorized) {
    delay_.withdraw(who);
  }
  return person;
}

SignInAnswer SignIn::begin(const Person& person) {
  AccessSecret secret = make_access_secret(kSessionPrefix);
  auto session = sessions_.begin(person, secret.hash);
  if (!session) return refused(session.error());
  return {.begun = Begun{std::move(*session), std::move(secret.text)}};
}

SignInAnswer SignIn::sign_in(const std::string& name, const Secret& password, std::string_view address) {
  const std::string network = client_network(address);
  if (auto refusal = refusal_by_rate(network)) return std::move(*refusal);
  if (const auto fit = check_bytes(password); !fit) return refused(fit.error());
  nanoseconds wait{0};
  const auto person = check_slowly(name, password, network, wait);
  if (wait > nanoseconds::zero()) return refused_for(wait);
  if (!person) return refused(person.error());
  return begin(*person);
}

SignInAnswer SignIn::change_password(const std::string& name, const Secret& password, const Secret& new_password,
                                     std::string_view address) {
  const std::string network = client_network(address);
  if (auto refusal = refusal_by_rate(network)) return std::move(*refusal);
  if (const auto fit = check_bytes(password); !fit) return refused(fit.error());
  if (const auto fit = check_new_password(new_password); !fit) return refused(fit.error());
  nanoseconds wait{0};
  const auto person = check_slowly(name, password, network, wait);
  if (wait > nanoseconds::zero()) return refused_for(wait);
  if (!person) return refused(person.error());
  Result<Secret> hash = Place::none();
  {
    const Place place(*this);
    if (place.taken()) hash = hasher_.hash(new_password);
  }
  if (!hash) return refused(hash.error());
  const auto changed = people_.set_password(*person, *hash);
  if (!changed) return refused(changed.error());
  return begin(*changed);
}

SignInAnswer SignIn::use_link(std::string_view link, const std::string& name, const Secret& password,
                              std::string_view address) {
  if (auto refusal = refusal_by_rate(client_network(address))) return std::move(*refusal);
  const AccessHash hash = access_hash(link);
  // First what costs little: nobody computes hashes of passwords here without a link.
  const auto owner = people_.find_link(hash);
  if (!owner) return refused(owner.error());
  if (owner->name.empty() && !is_person_name(name)) {
    return refused({Errc::invalid_value, "name: 1-128 of a-z 0-9 . _ @ + -, beginning with a letter or a digit"});
  }
  if (const auto fit = check_new_password(password); !fit) return refused(fit.error());
  Result<Secret> hashed = Place::none();
  {
    const Place place(*this);
    if (place.taken()) hashed = hasher_.hash(password);
  }
  if (!hashed) return refused(hashed.error());
  const auto person = people_.use_link(hash, name, *hashed);
  if (!person) return refused(person.error());
  return begin(*person);
}

Result<> check_new_password(const Secret& password) {
  if (auto fit = check_bytes(password); !fit) return fit;
  if (characters(password.reveal()) < kMinPasswordCharacters) {
    return Error{Errc::invalid_value, fmt::format("password: at least {} characters", kMinPasswordCharacters)};
  }
  return {};
}

Result<Invited> invite(People& people, const std::string& name, Role role, std::optional<AccountId> cdn) {
  if (!is_person_name(name)) {
    return Error{Errc::invalid_value, "name: 1-128 of a-z 0-9 . _ @ + -, beginning with a letter or a digit"};
  }
  if (const auto fits = check_binding(role, cdn); !fits) return fits.error();
  Person person;
  person.name = name;
  person.role = role;
  person.cdn = cdn;
  AccessSecret link = make_access_secret(kLinkPrefix);
  auto added = people.add(person, link.hash, kLinkLife);
  if (!added) return added.error();
  return Invited{std::move(*added), std::move(link.text)};
}

Result<Invited> renew_link(People& people, const std::string& name) {
  const auto person = people.find(name);
  if (!person) return person.error();
  if (!*person) return no_such_person(name);
  AccessSecret link = make_access_secret(kLinkPrefix);
  if (const auto put = people.put_link(name, link.hash, kLinkLife); !put) return put.error();
  return Invited{**person, std::move(link.text)};
}

Result<std::optional<Secret>> first_admin_link(People& people) {
  AccessSecret link = make_access_secret(kLinkPrefix);
  const auto put = people.put_link("", link.hash, kLinkLife);
  if (put) return std::optional(std::move(link.text));
  if (put.error().code == Errc::wrong_state) return std::optional<Secret>();
  return put.error();
}

}  // namespace vodlift
