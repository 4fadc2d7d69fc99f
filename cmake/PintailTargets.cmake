# How Pintail's targets are made: one function each for a module, a unit test, and a fuzzer.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# Warnings and hardening of our own code; generated code gets the hardening only.
add_library(pintail_options INTERFACE)
target_compile_options(pintail_options INTERFACE -fstack-protector-strong -fno-strict-aliasing -fno-omit-frame-pointer -g)
target_compile_definitions(pintail_options INTERFACE _GNU_SOURCE)
target_include_directories(pintail_options INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_BINARY_DIR}/gen)
if(PINTAIL_SANITIZE)
    target_compile_options(pintail_options INTERFACE -fsanitize=${PINTAIL_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(pintail_options INTERFACE -fsanitize=${PINTAIL_SANITIZE})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    target_compile_definitions(pintail_options INTERFACE _FORTIFY_SOURCE=2)
endif()
if(PINTAIL_FUZZ)
    # The coverage counters have to be in the modules, not only in the fuzzer's own file.
    target_compile_options(pintail_options INTERFACE -fsanitize=fuzzer-no-link)
    target_link_options(pintail_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

add_library(pintail_warnings INTERFACE)
target_compile_options(pintail_warnings INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith
    -Wformat=2 -Wimplicit-fallthrough -Werror)

# pintail_module(NAME SOURCES file... [LIBS library...] [GENERATED file...])
# A module is a static library pintail_NAME. GENERATED sources are compiled without our warnings.
function(pintail_module name)
    cmake_parse_arguments(M "" "" "SOURCES;LIBS;GENERATED" ${ARGN})
    add_library(pintail_${name} STATIC ${M_SOURCES} ${M_GENERATED})
    target_link_libraries(pintail_${name} PUBLIC pintail_options ${M_LIBS} PRIVATE pintail_warnings)
    if(M_GENERATED)
        set_source_files_properties(${M_GENERATED} PROPERTIES COMPILE_OPTIONS "-w")
    endif()
endfunction()

# pintail_unit_test(NAME SOURCES file... [LIBS library...])
# A cmocka program, run by ctest as unit/NAME; the target tests_MODULE builds all those of a directory.
function(pintail_unit_test name)
    cmake_parse_arguments(T "" "" "SOURCES;LIBS" ${ARGN})
    if(NOT TARGET PkgConfig::CMOCKA)
        pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET GLOBAL cmocka)
    endif()
    add_executable(unit_${name} ${T_SOURCES})
    target_link_libraries(unit_${name} PRIVATE ${T_LIBS} pintail_options pintail_warnings PkgConfig::CMOCKA)
    get_filename_component(module ${CMAKE_CURRENT_SOURCE_DIR} NAME)
    if(NOT TARGET tests_${module})
        add_custom_target(tests_${module})
    endif()
    add_dependencies(tests_${module} unit_${name})
    add_test(NAME unit/${name} COMMAND unit_${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(unit/${name} PROPERTIES LABELS unit TIMEOUT 300)
endfunction()

# pintail_fuzzer(NAME SOURCES file... [LIBS library...])
# A libFuzzer program, run for PINTAIL_FUZZ_SECONDS by ctest as fuzz/NAME, starting from tests/fuzz/corpus/NAME.
set(PINTAIL_FUZZ_SECONDS 5 CACHE STRING "How long each fuzzer runs under ctest")
function(pintail_fuzzer name)
    if(NOT PINTAIL_FUZZ)
        return()
    endif()
    cmake_parse_arguments(F "" "" "SOURCES;LIBS" ${ARGN})
    add_executable(fuzz_${name} ${F_SOURCES})
    target_link_libraries(fuzz_${name} PRIVATE ${F_LIBS} pintail_options pintail_warnings)
    set_source_files_properties(${F_SOURCES} PROPERTIES COMPILE_OPTIONS -Wno-missing-prototypes)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    set(work ${CMAKE_BINARY_DIR}/corpus/${name})
    file(MAKE_DIRECTORY ${work})
    set(seed ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
    if(NOT EXISTS ${seed})
        set(seed "")
    endif()
    add_test(NAME fuzz/${name} COMMAND fuzz_${name} -max_total_time=${PINTAIL_FUZZ_SECONDS} -timeout=10
        -rss_limit_mb=4096 -print_final_stats=1 ${work} ${seed})
    set_tests_properties(fuzz/${name} PROPERTIES LABELS fuzz TIMEOUT 300)
endfunction()
