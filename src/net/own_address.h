// Whether an address is one of this host itself.
#pragma once

#include "base/network.h"

namespace vodlift::net {

// True if the kernel delivers to this host what is sent to the address: that of an interface, or of any other local
// route, public ones too. Asks the kernel each time, as addresses come and go; does not wait. Any thread.
bool is_own_address(const Address& address);

}  // namespace vodlift::net
