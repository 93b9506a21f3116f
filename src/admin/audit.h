// The audit log's entry of one administration command.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "admin/command.h"

namespace vodlift::admin {

// `reply` for a command that changes something: before it answers, the outcome goes to the audit log with the members
// that Command::audited names, taken from `request` or, where they are not there, from the answer.
Reply audited_reply(const Command& command, const Context& context, std::string address,
                    const boost::json::object& request, Reply reply);

}  // namespace vodlift::admin
