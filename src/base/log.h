/* SPDX-License-Identifier: MIT */
/*
 * Structured log lines on standard error: time, level, event, then key=value pairs (or one JSON object a line).
 *
 *     log_info("request", log_str("method", "GET"), log_int("status", 200));
 *
 * The request id of the running fiber is added to each line.  Secrets never go here: log names and ids, not values.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/def.h"

typedef enum { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR } log_level;
typedef enum { LOG_TEXT, LOG_JSON } log_format;

typedef struct {
    const char *key;
    enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_NUMBER } kind;
    const char *s;
    int64_t i;
    double d;
} log_field;

static inline log_field log_str(const char *key, const char *value)
{
    return (log_field){.key = key, .kind = LOG_FIELD_STR, .s = value};
}

static inline log_field log_int(const char *key, int64_t value)
{
    return (log_field){.key = key, .kind = LOG_FIELD_INT, .i = value};
}

static inline log_field log_num(const char *key, double value)
{
    return (log_field){.key = key, .kind = LOG_FIELD_NUMBER, .d = value};
}

void log_setup(log_level least, log_format format);
bool log_enabled(log_level level);

/* Where the request id of the caller comes from; rt/ installs it.  May return NULL. */
void log_set_context(const char *(*request_id)(void));

/* One line, written with a single call.  Values are escaped; a line is cut at 8 KiB. */
void log_write(log_level level, const char *event, const log_field *fields, size_t n);

#define log_at(level, event, ...)                                                                                      \
    do {                                                                                                               \
        if (log_enabled(level)) {                                                                                      \
            const log_field log_fields_[] = {{0}, ##__VA_ARGS__};                                                      \
            log_write((level), (event), log_fields_ + 1, COUNT(log_fields_) - 1);                                      \
        }                                                                                                              \
    } while (0)

#define log_debug(event, ...) log_at(LOG_DEBUG, event, ##__VA_ARGS__)
#define log_info(event, ...) log_at(LOG_INFO, event, ##__VA_ARGS__)
#define log_warn(event, ...) log_at(LOG_WARN, event, ##__VA_ARGS__)
#define log_error(event, ...) log_at(LOG_ERROR, event, ##__VA_ARGS__)

#endif
