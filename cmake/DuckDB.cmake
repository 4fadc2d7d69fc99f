# Finds DuckDB's C API: the pinned library that scripts/deps unpacked, or an installed one of the same
# minor version (-DPINTAIL_DUCKDB_ROOT=/usr/local). File formats move between minor versions, so another one is refused.
set(PINTAIL_DUCKDB_ROOT ${CMAKE_SOURCE_DIR}/build/deps/duckdb CACHE PATH "Directory with include/duckdb.h and lib/libduckdb.so")
set(PINTAIL_DUCKDB_VERSION 1.5 CACHE INTERNAL "Minor version of DuckDB that this source is written for")

find_path(DUCKDB_INCLUDE_DIR duckdb.h PATHS ${PINTAIL_DUCKDB_ROOT}/include NO_DEFAULT_PATH)
find_library(DUCKDB_LIBRARY duckdb PATHS ${PINTAIL_DUCKDB_ROOT}/lib NO_DEFAULT_PATH)
if(NOT DUCKDB_INCLUDE_DIR OR NOT DUCKDB_LIBRARY)
    message(FATAL_ERROR "DuckDB was not found under ${PINTAIL_DUCKDB_ROOT}: run scripts/deps, or give -DPINTAIL_DUCKDB_ROOT=DIR")
endif()
add_library(duckdb SHARED IMPORTED GLOBAL)
set_target_properties(duckdb PROPERTIES IMPORTED_LOCATION ${DUCKDB_LIBRARY} IMPORTED_NO_SONAME ON)
target_include_directories(duckdb SYSTEM INTERFACE ${DUCKDB_INCLUDE_DIR})
