/* SPDX-License-Identifier: MIT */
/* Control tags and titles; see tags.h. */
#include "agent/tags.h"

#include <strings.h>

enum { TITLE_LENGTH = 50 };

static const char *const levels[] = {"minimal", "low", "medium", "high", "xhigh", "max"};

static bool opens(str s, const char *name)
{
    size_t n = strlen(name);

    return s.len >= n + 2 && s.p[0] == '<' && strncasecmp(s.p + 1, name, n) == 0 && s.p[n + 1] == '>';
}

/* When `s` begins with <name>value</name>: takes it off and gives the value. */
static bool take_tag(str *s, const char *name, str *value)
{
    size_t n = strlen(name);
    str rest;

    if (!opens(*s, name))
        return false;
    rest = (str){s->p + n + 2, s->len - n - 2};
    for (size_t i = 0; i + n + 3 <= rest.len; i++) {
        if (rest.p[i] != '<' || rest.p[i + 1] != '/' || strncasecmp(rest.p + i + 2, name, n) != 0 ||
            rest.p[i + 2 + n] != '>')
            continue;
        *value = str_trim((str){rest.p, i});
        *s = (str){rest.p + i + n + 3, rest.len - i - n - 3};
        return true;
    }
    return false;
}

static const char *level_of(str value)
{
    for (size_t i = 0; i < COUNT(levels); i++)
        if (str_is_nocase(value, levels[i]))
            return levels[i];
    return NULL;
}

static str skip_blank(str s)
{
    while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t' || s.p[0] == '\r' || s.p[0] == '\n'))
        s = (str){s.p + 1, s.len - 1};
    return s;
}

const char *tags_take(arena *a, const char *text, control_tags *out)
{
    str s = str_of(text), value;

    *out = (control_tags){0};
    for (;;) {
        str at = skip_blank(s); /* the end of a text is the user's own */

        if (take_tag(&at, "enable_plan", &value)) {
            out->plan_given = true;
            out->plan = str_is_nocase(value, "true");
        } else if (take_tag(&at, "enable_deep_thinking", &value)) {
            out->thinking_given = true;
            out->thinking = str_is_nocase(value, "true") ? THINKING_ON : THINKING_OFF;
        } else if (take_tag(&at, "thinking_level", &value) || take_tag(&at, "deep_thinking_level", &value)) {
            out->level = level_of(value);
        } else {
            break;
        }
        s = at;
    }
    if (out->level != NULL && !out->thinking_given)
        out->thinking = THINKING_ON;
    return s.len == str_of(text).len ? text : str_dup(a, (str){s.p, s.len});
}

json_t *tags_text_part(const json_t *parts)
{
    json_t *part;
    size_t i;

    json_array_foreach(parts, i, part) if (json_get_str(part, "text", NULL) != NULL) return part;
    return NULL;
}

/* Elements that are left out of titles whole, because they are not part of what the user says. */
static const char *const blocks[] = {
    "enable_plan", "enable_deep_thinking", "thinking_level",  "deep_thinking_level", "skill",
    "skills",      "active_skills",        "available_skills"};

/* `unclosed` notes the names whose end was looked for in vain: it does not come later either, and a text of nothing but
 * opening tags is not searched again and again. */
static bool take_block(str *s, bool *unclosed)
{
    str value;

    for (size_t i = 0; i < COUNT(blocks); i++) {
        if (unclosed[i] || !opens(*s, blocks[i]))
            continue;
        if (take_tag(s, blocks[i], &value))
            return true;
        unclosed[i] = true;
    }
    return false;
}

/* Any other tag goes, what it encloses stays. */
static bool take_any_tag(str *s)
{
    const char *end;

    if (s->len < 3 || !(s->p[1] == '/' || (s->p[1] | 0x20) >= 'a') || !((s->p[1] | 0x20) <= 'z' || s->p[1] == '/'))
        return false;
    end = memchr(s->p, '>', MIN_OF(s->len, (size_t)200));
    if (end == NULL)
        return false;
    *s = (str){end + 1, s->len - (size_t)(end + 1 - s->p)};
    return true;
}

char *tags_title(arena *a, const char *text)
{
    str s = str_of(text), cut;
    bool unclosed[COUNT(blocks)] = {false};
    buf b = BUF_INIT(KIB(64));
    char *title;

    while (s.len > 0 && buf_ok(&b)) {
        if (s.p[0] == '<' && (take_block(&s, unclosed) || take_any_tag(&s)))
            continue;
        if (s.p[0] == ' ' || s.p[0] == '\t' || s.p[0] == '\n' || s.p[0] == '\r') {
            if (b.len > 0 && b.data[b.len - 1] != ' ')
                buf_putc(&b, ' ');
        } else {
            buf_putc(&b, s.p[0]);
        }
        s = (str){s.p + 1, s.len - 1};
    }
    cut = utf8_prefix(str_trim((str){buf_str(&b), b.len}), TITLE_LENGTH);
    title = arena_printf(a, "%.*s%s", STR_ARG(cut), cut.len < str_trim((str){buf_str(&b), b.len}).len ? "..." : "");
    buf_close(&b);
    return title;
}
