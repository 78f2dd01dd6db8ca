/* SPDX-License-Identifier: MIT */
/*
 * A scanner for the one kind of chunk that makes up nearly all of a stream:
 *
 *     {"id":"…","choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}
 *
 * It accepts only what it understands wholly and leaves the rest to the JSON library, so it may be ignorant but never
 * wrong: the fuzzer compares both.
 */
#include <ctype.h>

#include "llm/llm_internal.h"

typedef struct {
    const char *p, *end;
    buf *room;
    bool has_text, has_choices, has_delta, has_model;
    str text, model;
} scanner;

static void skip_space(scanner *sc)
{
    while (sc->p < sc->end && (*sc->p == ' ' || *sc->p == '\t' || *sc->p == '\n' || *sc->p == '\r'))
        sc->p++;
}

static bool take(scanner *sc, char c)
{
    skip_space(sc);
    if (sc->p == sc->end || *sc->p != c)
        return false;
    sc->p++;
    return true;
}

static bool take_word(scanner *sc, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(sc->end - sc->p) < len || memcmp(sc->p, word, len) != 0)
        return false;
    sc->p += len;
    return true;
}

/* The text between quotes as it stands; `*escaped` when there are backslashes in it. */
static bool take_string(scanner *sc, str *raw, bool *escaped)
{
    const char *begin;

    *escaped = false;
    if (!take(sc, '"'))
        return false;
    begin = sc->p;
    for (; sc->p < sc->end && *sc->p != '"'; sc->p++) {
        if ((unsigned char)*sc->p < 0x20)
            return false;
        if (*sc->p == '\\') {
            *escaped = true;
            if (++sc->p == sc->end)
                return false;
        }
    }
    if (sc->p == sc->end)
        return false;
    *raw = (str){begin, (size_t)(sc->p - begin)};
    sc->p++;
    return utf8_valid(raw->p, raw->len);
}

static bool plain_string(scanner *sc, str *out)
{
    bool escaped;

    return take_string(sc, out, &escaped) && !escaped;
}

static bool hex4(str *s, unsigned *out)
{
    uint8_t bytes[2];

    if (s->len < 4 || !hex_decode((str){s->p, 4}, bytes, 2))
        return false;
    *out = (unsigned)bytes[0] << 8 | bytes[1];
    *s = (str){s->p + 4, s->len - 4};
    return true;
}

static void put_utf8(buf *b, unsigned c)
{
    if (c < 0x80) {
        buf_putc(b, (char)c);
    } else if (c < 0x800) {
        buf_putc(b, (char)(0xc0 | c >> 6));
        buf_putc(b, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        buf_putc(b, (char)(0xe0 | c >> 12));
        buf_putc(b, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_putc(b, (char)(0x80 | (c & 0x3f)));
    } else {
        buf_putc(b, (char)(0xf0 | c >> 18));
        buf_putc(b, (char)(0x80 | (c >> 12 & 0x3f)));
        buf_putc(b, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_putc(b, (char)(0x80 | (c & 0x3f)));
    }
}

/* After "\u".  A NUL or half a surrogate pair is for the JSON library to judge. */
static bool put_unicode(buf *b, str *rest)
{
    unsigned c, low;

    if (!hex4(rest, &c) || c == 0 || (c >= 0xdc00 && c < 0xe000))
        return false;
    if (c >= 0xd800 && c < 0xdc00) {
        if (rest->len < 2 || rest->p[0] != '\\' || rest->p[1] != 'u')
            return false;
        *rest = (str){rest->p + 2, rest->len - 2};
        if (!hex4(rest, &low) || low < 0xdc00 || low >= 0xe000)
            return false;
        c = 0x10000 + ((c - 0xd800) << 10 | (low - 0xdc00));
    }
    put_utf8(b, c);
    return true;
}

static bool unescape(buf *b, str raw)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";

    buf_reset(b);
    while (raw.len > 0) {
        const char *slash = memchr(raw.p, '\\', raw.len), *at;
        size_t plain = slash != NULL ? (size_t)(slash - raw.p) : raw.len;

        buf_add(b, raw.p, plain);
        if (slash == NULL)
            break;
        raw = (str){slash + 2, raw.len - plain - 2};
        if (slash[1] == 'u') {
            if (!put_unicode(b, &raw))
                return false;
        } else if ((at = memchr(from, slash[1], sizeof from - 1)) != NULL) {
            buf_putc(b, to[at - from]);
        } else {
            return false;
        }
    }
    return buf_ok(b);
}

static bool skip_number(scanner *sc)
{
    const char *begin = sc->p;

    while (sc->p < sc->end && isdigit((unsigned char)*sc->p))
        sc->p++;
    return sc->p > begin && (*begin != '0' || sc->p == begin + 1) && sc->p - begin < 16 &&
           (sc->p == sc->end || memchr(".eE", *sc->p, 3) == NULL);
}

/* A value that says nothing to us: a string, a plain integer, true, false or null. */
static bool skip_scalar(scanner *sc)
{
    str ignored;

    skip_space(sc);
    if (sc->p == sc->end)
        return false;
    if (*sc->p == '"')
        return plain_string(sc, &ignored);
    if (isdigit((unsigned char)*sc->p))
        return skip_number(sc);
    return take_word(sc, "null") || take_word(sc, "true") || take_word(sc, "false");
}

static bool take_null(scanner *sc)
{
    skip_space(sc);
    return take_word(sc, "null");
}

/* Calls member() for each member of an object. */
static bool take_object(scanner *sc, bool (*member)(scanner *sc, str key))
{
    str key;

    if (!take(sc, '{'))
        return false;
    do
        if (!plain_string(sc, &key) || !take(sc, ':') || !member(sc, key))
            return false;
    while (take(sc, ','));
    return take(sc, '}');
}

static bool in_delta(scanner *sc, str key)
{
    str raw;
    bool escaped;

    if (str_is(key, "role"))
        return skip_scalar(sc);
    if (!str_is(key, "content"))
        return take_null(sc); /* reasoning, tool calls … */
    if (sc->has_text || !take_string(sc, &raw, &escaped))
        return false;
    sc->has_text = true;
    if (escaped && !unescape(sc->room, raw))
        return false;
    sc->text = escaped ? (str){buf_str(sc->room), sc->room->len} : raw;
    return true;
}

static bool in_choice(scanner *sc, str key)
{
    if (str_is(key, "index")) {
        skip_space(sc);
        return take_word(sc, "0") && (sc->p == sc->end || memchr(".eE0123456789", *sc->p, 13) == NULL);
    }
    if (str_is(key, "delta")) {
        bool again = sc->has_delta;

        sc->has_delta = true;
        return !again && take_object(sc, in_delta);
    }
    return take_null(sc); /* finish_reason, logprobs … */
}

static bool in_chunk(scanner *sc, str key)
{
    bool again;

    if (str_is(key, "choices")) {
        again = sc->has_choices;
        sc->has_choices = true;
        return !again && take(sc, '[') && take_object(sc, in_choice) && take(sc, ']');
    }
    if (str_is(key, "model")) {
        again = sc->has_model;
        sc->has_model = true;
        return !again && plain_string(sc, &sc->model);
    }
    if (str_is(key, "usage") || str_is(key, "error"))
        return take_null(sc);
    return skip_scalar(sc);
}

bool scan_text_chunk(str data, buf *room, str *text, str *model)
{
    scanner sc = {.p = data.p, .end = data.p + data.len, .room = room};

    if (!take_object(&sc, in_chunk) || !sc.has_text)
        return false;
    skip_space(&sc);
    if (sc.p != sc.end)
        return false;
    *text = sc.text;
    *model = sc.model;
    return true;
}
