# `make install`, or cmake --install BUILD --prefix DIR, with DESTDIR respected:
#   DIR/bin/pintail                          finds its libduckdb.so by a path relative to itself
#   DIR/lib/pintail/libduckdb.so
#   DIR/lib/systemd/system/pintail.service
#   DIR/share/doc/pintail/                   documentation, licences, the commented configuration
#   /etc/pintail/pintail.yaml                the commented configuration, unless there is one
set_target_properties(pintail PROPERTIES INSTALL_RPATH "$ORIGIN/../lib/pintail")
install(TARGETS pintail RUNTIME DESTINATION bin)
install(FILES ${DUCKDB_LIBRARY} DESTINATION lib/pintail)

install(FILES README.md LICENSE pintail.yaml docs/operations.md docs/sql-support.md DESTINATION share/doc/pintail)
if(EXISTS ${PINTAIL_DUCKDB_ROOT}/LICENSE)
    install(FILES ${PINTAIL_DUCKDB_ROOT}/LICENSE DESTINATION share/doc/pintail RENAME LICENSE.duckdb)
endif()

install(CODE "
    file(READ \"${CMAKE_SOURCE_DIR}/deploy/pintail.service\" unit)
    string(REPLACE /usr/bin/pintail \"\${CMAKE_INSTALL_PREFIX}/bin/pintail\" unit \"\${unit}\")
    set(unit_file \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/lib/systemd/system/pintail.service\")
    message(STATUS \"Installing: \${unit_file}\")
    file(WRITE \"\${unit_file}\" \"\${unit}\")
    set(configuration \"\$ENV{DESTDIR}/etc/pintail/pintail.yaml\")
    if(EXISTS \"\${configuration}\")
        message(STATUS \"Kept as it is: \${configuration}\")
    else()
        message(STATUS \"Installing: \${configuration}\")
        file(COPY \"${CMAKE_SOURCE_DIR}/pintail.yaml\" DESTINATION \"\$ENV{DESTDIR}/etc/pintail\")
    endif()")
