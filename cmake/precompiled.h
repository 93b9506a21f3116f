// Headers that most files need and that rarely change; nothing of ours, nothing as heavy as Asio.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/system/result.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>
