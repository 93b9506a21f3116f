// `vodlift top`: what the server does now.
#pragma once

#include <boost/json/array.hpp>
#include <map>
#include <string>

#include "cli/session.h"
#include "cli/watch.h"

namespace vodlift::cli {

// "1 uploading, 12 queued, 203 failed": the sums of GET /counts, over all accounts in it. Empty: there are no uploads.
std::string totals(const boost::json::array& counts);

// Makes successive frames of the answers of the daemon. One thread.
class TopView {
 public:
  // The totals with the rate of all, and a line for each upload that runs, in `rows` lines at most, each `columns` wide
  // at most. Draws over the frame before.
  std::string frame(const boost::json::array& counts, const boost::json::array& running, MonotonicTime now,
                    std::size_t rows, std::size_t columns);

 private:
  std::map<std::int64_t, RateMeter> meters_;  // of the uploads that run
  std::size_t drawn_lines_ = 0;
};

void add_top_command(CLI::App& app, Session& session);

}  // namespace vodlift::cli
