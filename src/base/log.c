/* SPDX-License-Identifier: MIT */
/* Structured log lines; see log.h. */
#include "base/log.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"

static _Atomic(int) least_level = LOG_INFO;
static _Atomic(int) line_format = LOG_TEXT;
static const char *(*_Atomic request_id)(void);

enum { LINE_MAX_BYTES = 8192, VALUE_MAX_BYTES = 4096, LINE_END = 32 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_setup(log_level least, log_format format)
{
    least_level = (int)least;
    line_format = (int)format;
}

bool log_enabled(log_level level)
{
    return (int)level >= least_level;
}

void log_set_context(const char *(*id)(void))
{
    request_id = id;
}

/* A text value is bare when nobody could misread it. */
static bool bare(const char *s)
{
    if (*s == '\0')
        return false;
    for (; *s != '\0'; s++)
        if (*s <= ' ' || *s == '"' || *s == '=' || *s == '\\' || *s == 0x7f)
            return false;
    return true;
}

/* At most VALUE_MAX_BYTES of `s`, cut between characters. */
static size_t shown_length(const char *s)
{
    size_t len = strnlen(s, VALUE_MAX_BYTES + 1);

    if (len <= VALUE_MAX_BYTES)
        return len;
    len = VALUE_MAX_BYTES;
    while (len > VALUE_MAX_BYTES - 4 && ((unsigned char)s[len] & 0xc0) == 0x80)
        len--;
    return len;
}

static void put_str(buf *line, const char *s, bool json)
{
    if (!json && bare(s) && strlen(s) <= VALUE_MAX_BYTES)
        buf_puts(line, s);
    else
        json_put_string(line, s, shown_length(s));
}

static void put_value(buf *line, const log_field *f, bool json)
{
    if (f->kind == LOG_FIELD_INT)
        buf_int(line, f->i);
    else if (f->kind == LOG_FIELD_STR)
        put_str(line, f->s != NULL ? f->s : "", json);
    else if (json && !isfinite(f->d))
        buf_puts(line, "null");
    else
        buf_printf(line, "%.6g", f->d);
}

/* Fields that do not fit are left out, so that the line stays well-formed. */
static void put_fields(buf *line, const log_field *fields, size_t n, bool json)
{
    for (size_t i = 0; i < n; i++) {
        size_t before = line->len;

        buf_printf(line, json ? ",\"%s\":" : " %s=", fields[i].key);
        put_value(line, &fields[i], json);
        if (!buf_ok(line)) {
            line->overflow = false;
            line->len = before;
        }
    }
}

static void put_head(buf *line, log_level level, const char *event, bool json)
{
    const char *(*id_of)(void) = request_id;
    const char *id = id_of != NULL ? id_of() : NULL;
    arena *a = arena_new(NULL);
    const char *now = clock_iso(a, clock_wall());

    buf_printf(line, json ? "{\"time\":\"%s\",\"level\":\"%s\"" : "%s %-5s", now, level_names[level]);
    arena_free(a);
    if (id != NULL) { /* a client may have chosen it */
        buf_puts(line, json ? ",\"request_id\":" : " [");
        put_str(line, id, json);
        buf_puts(line, json ? "" : "]");
    }
    if (json) {
        buf_puts(line, ",\"event\":");
        json_put_string(line, event, shown_length(event));
    } else {
        buf_printf(line, " %s", event);
    }
}

void log_write(log_level level, const char *event, const log_field *fields, size_t n)
{
    bool json = line_format == LOG_JSON;
    buf line = BUF_INIT(LINE_MAX_BYTES - LINE_END);
    int saved = errno;
    ssize_t written;

    put_head(&line, level, event, json);
    put_fields(&line, fields, n, json);
    line.overflow = false;
    line.max = LINE_MAX_BYTES;
    buf_puts(&line, json ? "}\n" : "\n");
    written = write(STDERR_FILENO, line.data, line.len);
    (void)written; /* a log that cannot be written has nowhere to say so */
    buf_close(&line);
    errno = saved;
}
