/* SPDX-License-Identifier: MIT */
/*
 * The text is copied token by token; whether the copy is JSON is for the parser to say, so nothing that it refuses gets
 * through.
 */
#include "agent/mend.h"

#include <ctype.h>

typedef struct {
    const char *p, *end;
    buf out;
} mender;

/* A character inside of a string that ends with `quote`. */
static void put_char(mender *m, char quote)
{
    char c = *m->p++;

    if (c == '\\' && m->p < m->end) {
        if (*m->p != '\'') /* JSON knows no \' */
            buf_putc(&m->out, '\\');
        buf_putc(&m->out, *m->p++);
    } else if (c == '"' && quote == '\'') {
        buf_puts(&m->out, "\\\"");
    } else if ((unsigned char)c < 0x20) {
        buf_printf(&m->out, "\\u%04x", (unsigned)c);
    } else {
        buf_putc(&m->out, c);
    }
}

static void put_string(mender *m)
{
    char quote = *m->p++;

    buf_putc(&m->out, '"');
    while (m->p < m->end && *m->p != quote)
        put_char(m, quote);
    m->p += m->p < m->end;
    buf_putc(&m->out, '"');
}

static void put_word(mender *m)
{
    static const char *const words[][2] = {{"True", "true"}, {"False", "false"}, {"None", "null"}};
    str word = {m->p, 0};

    while (m->p < m->end && isalpha((unsigned char)*m->p))
        m->p++;
    word.len = (size_t)(m->p - word.p);
    for (size_t i = 0; i < COUNT(words); i++)
        if (str_is(word, words[i][0]))
            word = str_of(words[i][1]);
    buf_add(&m->out, word.p, word.len);
}

/* A comma counts only when something comes after it. */
static void put_comma(mender *m)
{
    const char *next = ++m->p;

    while (next < m->end && isspace((unsigned char)*next))
        next++;
    if (next < m->end && *next != '}' && *next != ']')
        buf_putc(&m->out, ',');
}

/* The object, or the one whose text is in a string: encoded twice. */
static const char *as_object(arena *a, str text)
{
    json_t *v;

    for (int depth = 0; depth < 2; depth++) {
        if (json_parse(a, text.p, text.len, NULL, &v) != OK)
            return NULL;
        if (json_is_object(v))
            return str_dup(a, text);
        text = str_of(json_string_value(v));
    }
    return NULL;
}

const char *mend_object(arena *a, str text)
{
    mender m = {.p = text.p, .end = text.p + text.len, .out = BUF_INIT(text.len * 6 + 1)};
    const char *object = as_object(a, text);

    while (object == NULL && m.p < m.end) {
        if (*m.p == '"' || *m.p == '\'')
            put_string(&m);
        else if (isalpha((unsigned char)*m.p))
            put_word(&m);
        else if (*m.p == ',')
            put_comma(&m);
        else
            buf_putc(&m.out, *m.p++);
    }
    if (object == NULL)
        object = as_object(a, (str){buf_str(&m.out), m.out.len});
    buf_close(&m.out);
    return object;
}
