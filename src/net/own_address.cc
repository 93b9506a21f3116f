#include "net/own_address.h"

#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <optional>

#include "base/file.h"

namespace vodlift::net {
namespace {

constexpr std::uint16_t kAnyPort = 9;  // nothing is sent

struct Question {
  nlmsghdr header;
  rtmsg route;
  rtattr destination;
  std::array<std::uint8_t, 16> address;
};

std::size_t size_of(const Address& address) { return address.v6 ? 16 : 4; }

// The type of the route that the kernel would take; nothing where it cannot be asked, or has none.
std::optional<int> route_type(const Address& address) {
  const UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!socket.valid()) return std::nullopt;
  Question question{};
  question.destination.rta_type = RTA_DST;
  question.destination.rta_len = static_cast<std::uint16_t>(RTA_LENGTH(size_of(address)));
  question.address = address.bytes;
  question.route.rtm_family = address.v6 ? AF_INET6 : AF_INET;
  question.route.rtm_dst_len = static_cast<std::uint8_t>(size_of(address) * 8);
  question.header.nlmsg_type = RTM_GETROUTE;
  question.header.nlmsg_flags = NLM_F_REQUEST;
  question.header.nlmsg_len = static_cast<std::uint32_t>(NLMSG_LENGTH(sizeof(rtmsg)) + question.destination.rta_len);
  if (::send(socket.get(), &question, question.header.nlmsg_len, MSG_DONTWAIT) < 0) return std::nullopt;
  // The answer lies there when send() returns.
  struct {
    nlmsghdr header;
    rtmsg route;
    std::array<std::uint8_t, 4096> attributes;
  } answer{};
  const ssize_t count = ::recv(socket.get(), &answer, sizeof answer, MSG_DONTWAIT);
  if (count < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(rtmsg))) || answer.header.nlmsg_type != RTM_NEWROUTE) {
    return std::nullopt;
  }
  return answer.route.rtm_type;
}

// Whether a packet to the address would have the same address as its source. It knows less: not a route of a whole
// network to this host.
bool would_come_from_itself(const Address& address) {
  sockaddr_storage target{};
  sockaddr_storage source{};
  socklen_t size = 0;
  if (address.v6) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&target);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(kAnyPort);
    std::memcpy(&v6->sin6_addr, address.bytes.data(), 16);
    size = sizeof(sockaddr_in6);
  } else {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&target);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(kAnyPort);
    std::memcpy(&v4->sin_addr, address.bytes.data(), 4);
    size = sizeof(sockaddr_in);
  }
  const UniqueFd socket(::socket(target.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  socklen_t source_size = sizeof source;
  if (!socket.valid() || ::connect(socket.get(), reinterpret_cast<sockaddr*>(&target), size) != 0 ||
      ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&source), &source_size) != 0) {
    return false;
  }
  if (address.v6) {
    return std::memcmp(&reinterpret_cast<sockaddr_in6*>(&source)->sin6_addr, address.bytes.data(), 16) == 0;
  }
  return std::memcmp(&reinterpret_cast<sockaddr_in*>(&source)->sin_addr, address.bytes.data(), 4) == 0;
}

}  // namespace

bool is_own_address(const Address& address) {
  const auto type = route_type(address);
  if (!type) return would_come_from_itself(address);
  return *type == RTN_LOCAL || *type == RTN_ANYCAST || *type == RTN_BROADCAST;
}

}  // namespace vodlift::net
