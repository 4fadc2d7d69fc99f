/*
 * Compiler and platform helpers. The only header everybody includes; it holds no domain types.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The result must be looked at; ignoring it is a compile error. */
#define NODISCARD __attribute__((warn_unused_result))

/* Marks a printf-like function: `fmt` and `args` are the 1-based positions of format and first
 * argument. */
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* Which sanitizer the code is built with: gcc has macros, clang a test for features. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define WITH_TSAN 1
#endif

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The struct that holds `member` at address `ptr`. */
#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* A branch that cannot be taken unless there is a bug, defended all the same: asserts in debug
 * builds. */
#ifdef NDEBUG
#define NEVER(x) UNLIKELY(x)
#else
#define NEVER(x) (UNLIKELY(x) ? (assert(0 && #x), true) : false)
#endif

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#endif
