#include "memory/memory_people.h"

#include <algorithm>

namespace vodlift::memory {
namespace {

constexpr std::int64_t kFirstAdmin = 0;

bool is_admin(const Person& person) { return person.role == Role::admin && !person.invited(); }

}  // namespace

Person* MemoryPeople::by_name(std::string_view name) {
  for (auto& [id, person] : people_) {
    if (person.name == name) return &person;
  }
  return nullptr;
}

bool MemoryPeople::other_admin(std::int64_t besides) const {
  return std::any_of(people_.begin(), people_.end(),
                     [&](const auto& entry) { return entry.first != besides && is_admin(entry.second); });
}

bool MemoryPeople::last_admin_goes(const Person& person) const { return is_admin(person) && !other_admin(person.id); }

Person& MemoryPeople::insert(const Person& person, const Secret& password) {
  Person stored = person;
  stored.id = ++last_id_;
  stored.created = clock_.now();
  stored.last_seen.reset();
  stored.password = password;
  stored.version = 1;
  return people_[stored.id] = stored;
}

void MemoryPeople::end_sessions_of(std::int64_t person) {
  std::erase_if(sessions_, [&](const auto& entry) { return entry.second.person == person; });
}

Person& MemoryPeople::change_password(Person& person, const Secret& password) {
  person.password = password;
  ++person.version;
  end_sessions_of(person.id);
  links_.erase(person.id);
  return person;
}

Result<std::int64_t> MemoryPeople::owner_of(const AccessHash& link) {
  for (const auto& [owner, stored] : links_) {
    if (stored.hash != link || stored.until <= clock_.now()) continue;
    if (owner == kFirstAdmin && other_admin(kFirstAdmin)) break;
    return owner;
  }
  return link_is_of_no_use();
}

Result<std::vector<Person>> MemoryPeople::list() {
  const std::lock_guard lock(mutex_);
  std::vector<Person> people;
  for (const auto& [id, person] : people_) people.push_back(person);
  std::ranges::sort(people, {}, &Person::name);
  return people;
}

Result<std::optional<Person>> MemoryPeople::find(std::string_view name) {
  const std::lock_guard lock(mutex_);
  const Person* const person = by_name(name);
  return person != nullptr ? std::optional(*person) : std::nullopt;
}

Result<Person> MemoryPeople::add(const Person& person, const AccessHash& link, std::chrono::seconds valid) {
  const std::lock_guard lock(mutex_);
  if (by_name(person.name) != nullptr) return person_exists(person.name);
  if (people_.size() >= kMaxPeople) return too_many_people();
  const Person& added = insert(person, Secret());
  links_[added.id] = {link, clock_.now() + valid};
  return added;
}

Result<Person> MemoryPeople::set_role(std::string_view name, Role role, std::optional<AccountId> cdn) {
  const std::lock_guard lock(mutex_);
  Person* const person = by_name(name);
  if (person == nullptr) return no_such_person(name);
  if (role != Role::admin && last_admin_goes(*person)) return last_admin(name);
  person->role = role;
  person->cdn = cdn;
  ++person->version;
  end_sessions_of(person->id);
  return *person;
}

Result<Person> MemoryPeople::set_password(const Person& person, const Secret& password) {
  const std::lock_guard lock(mutex_);
  const auto found = people_.find(person.id);
  if (found == people_.end()) return no_such_person(person.name);
  if (found->second.version != person.version) return changed_meanwhile();
  return change_password(found->second, password);
}

Result<> MemoryPeople::replace_hash(const Person& person, const Secret& password) {
  const std::lock_guard lock(mutex_);
  const auto found = people_.find(person.id);
  if (found != people_.end() && found->second.version == person.version) found->second.password = password;
  return {};
}

Result<Person> MemoryPeople::remove(std::string_view name) {
  const std::lock_guard lock(mutex_);
  const Person* const found = by_name(name);
  if (found == nullptr) return no_such_person(name);
  if (last_admin_goes(*found)) return last_admin(name);
  Person person = *found;
  end_sessions_of(person.id);
  std::erase_if(tokens_, [&](const auto& entry) { return entry.second.person == person.id; });
  links_.erase(person.id);
  people_.erase(person.id);
  return person;
}

Result<> MemoryPeople::put_link(std::string_view name, const AccessHash& link, std::chrono::seconds valid) {
  const std::lock_guard lock(mutex_);
  std::int64_t owner = kFirstAdmin;
  if (name.empty()) {
    if (other_admin(kFirstAdmin)) return admin_exists();
  } else {
    const Person* const person = by_name(name);
    if (person == nullptr) return no_such_person(name);
    owner = person->id;
  }
  links_[owner] = {link, clock_.now() + valid};
  return {};
}

Result<LinkOwner> MemoryPeople::find_link(const AccessHash& link) {
  const std::lock_guard lock(mutex_);
  const auto owner = owner_of(link);
  if (!owner) return owner.error();
  return LinkOwner{*owner == kFirstAdmin ? "" : people_.at(*owner).name};
}

Result<Person> MemoryPeople::use_link(const AccessHash& link, std::string_view name, const Secret& password) {
  const std::lock_guard lock(mutex_);
  const auto owner = owner_of(link);
  if (!owner) return owner.error();
  if (*owner != kFirstAdmin) return change_password(people_.at(*owner), password);
  if (by_name(name) != nullptr) return person_exists(name);
  if (people_.size() >= kMaxPeople) return too_many_people();
  links_.erase(kFirstAdmin);
  Person first;
  first.name = name;
  first.role = Role::admin;
  return insert(first, password);
}

Result<SignedIn> MemoryPeople::begin(const Person& person, const AccessHash& session) {
  const std::lock_guard lock(mutex_);
  const auto found = people_.find(person.id);
  if (found == people_.end() || found->second.version != person.version) return signed_in_too_late();
  const WallTime now = clock_.now();
  std::erase_if(sessions_, [&](const auto& entry) {
    return entry.second.person == person.id && session_end(entry.second.created, entry.second.used) <= now;
  });
  auto oldest = sessions_.end();
  std::size_t count = 0;
  for (auto each = sessions_.begin(); each != sessions_.end(); ++each) {
    if (each->second.person != person.id) continue;
    ++count;
    if (oldest == sessions_.end() || each->second.number < oldest->second.number) oldest = each;
  }
  if (count >= kMaxSessionsOfPerson) sessions_.erase(oldest);
  sessions_[session] = {person.id, now, now, ++last_id_};
  found->second.last_seen = now;
  return SignedIn{found->second, now, session_end(now, now)};
}

Result<std::optional<SignedIn>> MemoryPeople::find(const AccessHash& session) {
  const std::lock_guard lock(mutex_);
  const WallTime now = clock_.now();
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return std::optional<SignedIn>();
  Session& stored = found->second;
  if (session_end(stored.created, stored.used) <= now) return std::optional<SignedIn>();
  Person& person = people_.at(stored.person);
  if (now - stored.used >= kUseRecordedEvery) {
    stored.used = now;
    person.last_seen = now;
  }
  return std::optional(SignedIn{person, stored.created, session_end(stored.created, stored.used)});
}

Result<> MemoryPeople::end(const AccessHash& session) {
  const std::lock_guard lock(mutex_);
  sessions_.erase(session);
  return {};
}

Result<Token> MemoryPeople::add_token(const Token& token, const AccessHash& secret) {
  const std::lock_guard lock(mutex_);
  const Person* const owner = by_name(token.owner);
  if (owner == nullptr) return no_such_person(token.owner);
  const WallTime now = clock_.now();
  std::erase_if(tokens_, [&](const auto& entry) {
    const Token& other = entry.second.token;
    return entry.second.person == owner->id && other.expires && *other.expires <= now;
  });
  const auto count = std::count_if(tokens_.begin(), tokens_.end(),
                                   [&](const auto& entry) { return entry.second.person == owner->id; });
  if (static_cast<std::size_t>(count) >= kMaxTokensOfOwner) return too_many_tokens(token.owner);
  Token added = token;
  added.id = ++last_id_;
  added.created = now;
  added.last_used.reset();
  tokens_[added.id] = {secret, owner->id, added};
  return added;
}

Result<std::vector<Token>> MemoryPeople::tokens(const std::optional<std::string>& owner) {
  const std::lock_guard lock(mutex_);
  std::vector<Token> tokens;
  for (const auto& [id, stored] : tokens_) {
    if (!owner || stored.token.owner == *owner) tokens.push_back(stored.token);
  }
  return tokens;
}

Result<Token> MemoryPeople::remove_token(std::int64_t id, const std::optional<std::string>& owner) {
  const std::lock_guard lock(mutex_);
  const auto found = tokens_.find(id);
  if (found == tokens_.end() || (owner && found->second.token.owner != *owner)) return no_such_token(id);
  Token token = found->second.token;
  tokens_.erase(found);
  return token;
}

Result<std::optional<TokenUse>> MemoryPeople::find_token(const AccessHash& secret) {
  const std::lock_guard lock(mutex_);
  const WallTime now = clock_.now();
  for (auto& [id, stored] : tokens_) {
    Token& token = stored.token;
    if (stored.hash != secret || (token.expires && *token.expires <= now)) continue;
    if (!token.last_used || now - *token.last_used >= kUseRecordedEvery) token.last_used = now;
    return std::optional(TokenUse{token, people_.at(stored.person)});
  }
  return std::optional<TokenUse>();
}

}  // namespace vodlift::memory
