/* SPDX-License-Identifier: MIT */
/* Structured log lines; see log.h. */
#include "base/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"

static _Atomic(int) least_level = LOG_INFO;
static _Atomic(int) line_format = LOG_TEXT;
static const char *(*request_id)(void);

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

static void put_value(buf *line, const log_field *f, bool json)
{
    const char *s = f->s != NULL ? f->s : "";

    if (f->kind == LOG_FIELD_INT)
        buf_int(line, f->i);
    else if (f->kind == LOG_FIELD_NUMBER)
        buf_printf(line, "%.6g", f->d);
    else if (!json && bare(s))
        buf_puts(line, s);
    else
        json_put_string(line, s, strlen(s));
}

static void put_text(buf *line, const char *event, const log_field *fields, size_t n)
{
    buf_printf(line, " %s", event);
    for (size_t i = 0; i < n; i++) {
        buf_printf(line, " %s=", fields[i].key);
        put_value(line, &fields[i], false);
    }
}

static void put_json(buf *line, const char *event, const log_field *fields, size_t n)
{
    buf_puts(line, ",\"event\":");
    json_put_string(line, event, strlen(event));
    for (size_t i = 0; i < n; i++) {
        buf_putc(line, ',');
        json_put_string(line, fields[i].key, strlen(fields[i].key));
        buf_putc(line, ':');
        put_value(line, &fields[i], true);
    }
    buf_putc(line, '}');
}

void log_write(log_level level, const char *event, const log_field *fields, size_t n)
{
    const char *id = request_id != NULL ? request_id() : NULL;
    bool json = line_format == LOG_JSON;
    arena *a = arena_new(NULL);
    buf line = BUF_INIT(KIB(8));
    ssize_t written;

    if (json)
        buf_printf(&line, "{\"time\":\"%s\",\"level\":\"%s\"", clock_iso(a, clock_wall()), level_names[level]);
    else
        buf_printf(&line, "%s %-5s", clock_iso(a, clock_wall()), level_names[level]);
    if (id != NULL)
        buf_printf(&line, json ? ",\"request_id\":\"%s\"" : " [%s]", id);
    (json ? put_json : put_text)(&line, event, fields, n);
    if (!buf_ok(&line)) { /* what is left is cut, not lost */
        line.overflow = false;
        line.len = MIN_OF(line.len, KIB(8) - 1);
    }
    buf_putc(&line, '\n');
    written = write(STDERR_FILENO, line.data, line.len);
    (void)written; /* a log that cannot be written has nowhere to say so */
    buf_close(&line);
    arena_free(a);
}
