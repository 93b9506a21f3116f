// What belongs to one page of a search.
#pragma once

#include <optional>
#include <vector>

#include "core/upload_search.h"

namespace vodlift {

// Puts a page together from uploads that are shown to it newest first, all below UploadSearch::before. Pure; one
// thread.
class SearchPage {
 public:
  explicit SearchPage(const UploadSearch& search);

  // Returns false when it wants to see no more.
  bool look(const Upload& upload);

  // It wants to see so many uploads at most: one more than the search looks at, which shows that there are others.
  [[nodiscard]] int most() const { return look_at_ + 1; }
  // What belongs to the page, newest first.
  [[nodiscard]] const std::vector<UploadId>& ids() const { return ids_; }
  // The page, but for its uploads.
  [[nodiscard]] const UploadPage& page() const { return page_; }

 private:
  const UploadFilter& filter_;
  const std::size_t limit_;
  const int look_at_;
  int looked_at_ = 0;
  UploadId last_ = 0;
  WallTime last_created_{};
  std::vector<UploadId> ids_;
  UploadPage page_;
};

}  // namespace vodlift
