# vodlift_embed_migrations(OUTPUT FOLDER NAMESPACE HEADER FUNCTION): puts FOLDER/NNNN_name.sql into one generated .cc, so that the
# binary carries its schema with it. HEADER declares the struct Migration of the namespace, and the function that answers all.
function(vodlift_embed_migrations output folder namespace header function)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.sql)
  list(SORT files)
  set(number 0)
  set(rows "")
  foreach(file IN LISTS files)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    get_filename_component(name ${file} NAME_WE)
    math(EXPR number "${number} + 1")
    if(NOT name MATCHES "^([0-9][0-9][0-9][0-9])_[a-z0-9_]+$")
      message(FATAL_ERROR "${file}: a migration is called NNNN_name.sql")
    endif()
    string(REGEX REPLACE "^0+" "" given ${CMAKE_MATCH_1})
    if(NOT given STREQUAL "${number}")
      message(FATAL_ERROR "${file}: migration ${number} is missing; numbers follow one another from 0001")
    endif()
    file(READ ${file} sql)
    string(APPEND rows "    Migration{${number}, \"${name}\", R\"sql(${sql})sql\"},\n")
  endforeach()
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT
"#include \"@header@\"

namespace @namespace@ {
namespace {

constexpr std::array kMigrations = {
@rows@};

}  // namespace

std::span<const Migration> @function@() { return kMigrations; }

}  // namespace @namespace@
")
endfunction()
