/* SPDX-License-Identifier: MIT */
/*
 * Small words that every file uses: attributes, array counts, checked sizes.
 */
#ifndef BASE_DEF_H
#define BASE_DEF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#define NORETURN __attribute__((noreturn))
#define THREAD_LOCAL _Thread_local

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define MIN_OF(a, b) ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b) ((a) > (b) ? (a) : (b))

/* Durations are int64_t nanoseconds everywhere; these name the unit at the place of use. */
#define MILLISECONDS(n) ((int64_t)(n)*1000000)
#define SECONDS(n) ((int64_t)(n)*1000000000)
#define MINUTES(n) (SECONDS(n) * 60)
#define NO_LIMIT INT64_MAX

#define KIB(n) ((size_t)(n) << 10)
#define MIB(n) ((size_t)(n) << 20)

/* Sizes that come from outside are added and multiplied only through these: true when the result does not fit. */
#define ADD_OVERFLOWS(a, b, result) __builtin_add_overflow((a), (b), (result))
#define MUL_OVERFLOWS(a, b, result) __builtin_mul_overflow((a), (b), (result))

#endif
