# What `cmake --install` puts where. nin.pc and ninConfig.cmake find everything relative to
# themselves, so an installation may be moved or staged with DESTDIR.

include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/nin)

install(TARGETS nin_program)
install(TARGETS nin_static EXPORT ninStaticTargets)
install(TARGETS nin_shared EXPORT ninTargets)
if(nin_have_cuda)
    install(TARGETS nin_cuda_plugin LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/nin)
endif()
install(DIRECTORY include/nin DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)

install(EXPORT ninTargets NAMESPACE nin:: DESTINATION ${package_dir})
install(EXPORT ninStaticTargets NAMESPACE nin:: DESTINATION ${package_dir})
configure_package_config_file(
    cmake/ninConfig.cmake.in ninConfig.cmake
    INSTALL_DESTINATION ${package_dir}
    NO_SET_AND_CHECK_MACRO
)
write_basic_package_version_file(ninConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ninConfig.cmake ${PROJECT_BINARY_DIR}/ninConfigVersion.cmake
        DESTINATION ${package_dir}
)

# For a static libnin that uses the other libraries as they are, mostly shared. Requires.private
# would pull in what those need for a wholly static program, which Debian's libcurl cannot give.
list(JOIN nin_modules_LDFLAGS " " pc_libs_private)
if(IS_ABSOLUTE ${nin_openmp_library})
    string(APPEND pc_libs_private " ${nin_openmp_library}")
else()
    string(APPEND pc_libs_private " -l${nin_openmp_library}")
endif()
string(APPEND pc_libs_private " ${CMAKE_THREAD_LIBS_INIT} -lm")
file(RELATIVE_PATH pc_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(nin.pc.in nin.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/nin.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

foreach(section IN ITEMS 1 3)
    file(GLOB pages CONFIGURE_DEPENDS man/*.${section})
    install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
install(
    FILES cli/completion/nin.bash
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
    RENAME nin
    OPTIONAL
)
install(DIRECTORY models DESTINATION ${CMAKE_INSTALL_DATADIR}/nin FILES_MATCHING PATTERN *.net)
install(DIRECTORY recipes DESTINATION ${CMAKE_INSTALL_DATADIR}/nin FILES_MATCHING PATTERN *.conf)
