# What `cmake --install` puts where, below the prefix. The program itself prints its manual page and completions, once it is
# there. Nothing goes to /etc: a configuration that somebody has changed is not to be overwritten.
install(TARGETS vodlift RUNTIME DESTINATION bin)
# Called by this name, the program is the bucket doctor alone.
install(CODE [[
  message(STATUS "Installing: $ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/bin/vodlift-s3check")
  file(CREATE_LINK vodlift $ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/bin/vodlift-s3check SYMBOLIC)
]])
install(FILES packaging/vodlift.sysusers DESTINATION lib/sysusers.d RENAME vodlift.conf)
install(FILES packaging/vodlift.tmpfiles DESTINATION lib/tmpfiles.d RENAME vodlift.conf)

# In the same folders as here, so that links between the pages lead somewhere.
install(FILES README.md ARCHITECTURE.md CONTRIBUTING.md CHANGELOG.md LICENSE DESTINATION share/doc/vodlift)
install(DIRECTORY docs DESTINATION share/doc/vodlift)
install(FILES bench/RESULTS.md DESTINATION share/doc/vodlift/bench)
install(FILES packaging/vodlift.example.toml DESTINATION share/doc/vodlift/packaging)
foreach(folder IN ITEMS packaging/monitoring packaging/high-availability sdk)
  if(EXISTS ${PROJECT_SOURCE_DIR}/${folder})
    cmake_path(GET folder PARENT_PATH parent)
    install(DIRECTORY ${folder} DESTINATION share/doc/vodlift/${parent} PATTERN __pycache__ EXCLUDE)
  endif()
endforeach()

# The units name the program by its full path.
file(GLOB units packaging/vodlift.service packaging/vodlift.socket)
foreach(unit IN LISTS units)
  install(CODE "set(unit ${unit})")
  install(CODE [[
    file(READ ${unit} text)
    string(REPLACE "/usr/" "${CMAKE_INSTALL_PREFIX}/" text "${text}")
    cmake_path(GET unit FILENAME name)
    set(target $ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/lib/systemd/system/${name})
    message(STATUS "Installing: ${target}")
    file(WRITE ${target} "${text}")
    file(CHMOD ${target} PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  ]])
endforeach()

install(CODE [[
  function(vodlift_prints target)
    set(target $ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/share/${target})
    cmake_path(GET target PARENT_PATH folder)
    file(MAKE_DIRECTORY ${folder})
    message(STATUS "Installing: ${target}")
    execute_process(COMMAND $ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/bin/vodlift ${ARGN}
      OUTPUT_FILE ${target} COMMAND_ERROR_IS_FATAL ANY)
    file(CHMOD ${target} PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  endfunction()
  vodlift_prints(man/man1/vodlift.1 man)
  file(CREATE_LINK vodlift.1 $ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/share/man/man1/vodlift-s3check.1 SYMBOLIC)
  vodlift_prints(bash-completion/completions/vodlift completion bash)
  vodlift_prints(zsh/vendor-completions/_vodlift completion zsh)
  vodlift_prints(fish/vendor_completions.d/vodlift.fish completion fish)
]])
