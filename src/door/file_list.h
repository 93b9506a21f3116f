// Lists of source files, as every door asks for them and answers them.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <span>

#include "core/field_spec.h"
#include "core/storage.h"
#include "door/fields.h"

namespace vodlift::door {

// path, type, offset and filter.
std::span<const FieldSpec> file_list_fields();

// What path, type and filter ask for. Errors: those of parse_folder_path() and Wildcard::parse().
Result<FileQuery> read_folder_query(const Fields& fields);
// The same with offset.
Result<FileQuery> read_file_query(const Fields& fields);

// [{"path","size","modified","type"}], `modified` in whole Unix seconds.
boost::json::array files_json(const FileList& found);

// How much of the folder that is: "total", "complete", "skipped", as in FileList.
boost::json::object extent_json(const FileList& found);

// {"storage","path","available","bytes_free"}; `path` is the caller's folder, and missing where that is empty.
boost::json::object to_json(const StorageInfo& storage, std::string_view folder = {});

}  // namespace vodlift::door
