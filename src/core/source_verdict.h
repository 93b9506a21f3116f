// May the source of an upload be deleted?
#pragma once

#include <string>

#include "core/upload.h"

namespace vodlift {

struct SourceVerdict {
  bool may_delete = false;  // as far as this upload is concerned; other uploads may need the file too
  std::string reason;       // one or two sentences for a person
};

// May be deleted only where the store has confirmed all bytes of this file. Pure; total.
SourceVerdict source_verdict(const Upload& upload);

}  // namespace vodlift
