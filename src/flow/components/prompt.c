/* SPDX-License-Identifier: MIT */
/*
 * Prompt Template: a text with variables (contracts/langflow-components.md section 4).  One pass: what is put in is never
 * looked at again.
 */
#include <ctype.h>

#include "flow/component.h"

enum { PROMPT_MAX = 4 << 20, VARIABLES_MAX = 2000 };

/* A prompt being filled in. */
typedef struct {
    buf *b;
    size_t variables;
} filling;

static bool is_name(str s)
{
    if (s.len == 0 || s.len > 200 || isdigit((unsigned char)s.p[0]))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum((unsigned char)s.p[i]) && s.p[i] != '_')
            return false;
    return true;
}

/* The variable's text; a missing one is an error unless it may be blank. */
static err put_variable(component_call *c, filling *f, str name, bool blank_ok)
{
    const char *field;

    if (++f->variables > VARIABLES_MAX)
        return fail(c->s, ERR_TOO_LARGE, "the prompt has more than %d variables", VARIABLES_MAX);
    field = str_dup(c->s->arena, name);
    if (json_get_obj(c->node->template, field) == NULL && !blank_ok)
        return fail(c->s, ERR_INVALID, "the prompt has no value for {%s}", field);
    buf_puts(f->b, component_input_text(c, field));
    return OK;
}

/* What comes before the next brace; how much that is. */
static size_t put_plain(buf *b, str t, size_t from)
{
    size_t n = 0;

    while (from + n < t.len && t.p[from + n] != '{' && t.p[from + n] != '}')
        n++;
    buf_add(b, t.p + from, n);
    return n;
}

/* {name}, with {{ and }} for the braces themselves. */
static err fill_single(component_call *c, str t, filling *f)
{
    buf *b = f->b;

    for (size_t i = 0; i < t.len && buf_ok(b); i++) {
        const char *end;
        str name;

        i += put_plain(b, t, i);
        if (i == t.len)
            break;
        if (i + 1 < t.len && t.p[i + 1] == t.p[i]) {
            buf_putc(b, t.p[i++]);
            continue;
        }
        end = t.p[i] == '{' ? memchr(t.p + i, '}', t.len - i) : NULL;
        if (end == NULL)
            return fail(c->s, ERR_INVALID, "the prompt has a single brace: write {{ or }} for the character itself");
        name = (str){t.p + i + 1, (size_t)(end - t.p) - i - 1};
        TRY(put_variable(c, f, name, false));
        i += name.len + 1;
    }
    return OK;
}

/* {{name}}, nothing else of that language. */
static err fill_double(component_call *c, str t, filling *f)
{
    buf *b = f->b;

    for (size_t i = 0; i < t.len && buf_ok(b); i++) {
        ptrdiff_t end;
        str name;

        i += put_plain(b, t, i);
        if (i == t.len)
            break;
        if (t.p[i] != '{' || i + 1 >= t.len || t.p[i + 1] != '{') {
            buf_putc(b, t.p[i]);
            continue;
        }
        end = str_find((str){t.p + i + 2, t.len - i - 2}, STR("}}"));
        name = str_trim((str){t.p + i + 2, end >= 0 ? (size_t)end : 0});
        if (end < 0 || !is_name(name))
            return fail(
                c->s, ERR_INVALID,
                "Complex mustache syntax is not allowed. Only simple variable substitution like {{variable}} is "
                "permitted.");
        TRY(put_variable(c, f, name, true));
        i += (size_t)end + 3;
    }
    return OK;
}

static err build_prompt(component_call *c, flow_value *out)
{
    str template = str_of(node_text(c->node, "template", ""));
    bool doubled = node_flag(c->node, "use_double_brackets", false);
    buf b = BUF_INIT(PROMPT_MAX);
    filling f = {.b = &b};
    flow_message *m = arena_one(c->s->arena, flow_message);
    err e = doubled ? fill_double(c, template, &f) : fill_single(c, template, &f);

    if (e == OK && !buf_ok(&b))
        e = fail(c->s, ERR_TOO_LARGE, "the prompt is larger than %d MiB", PROMPT_MAX >> 20);
    m->text = arena_strndup(c->s->arena, buf_str(&b), e == OK ? b.len : 0); /* the run's arena counts it */
    m->session_id = c->session_id;
    buf_close(&b);
    if (e == OK)
        *out = value_of_message(m);
    return e;
}

static const component_output outputs[] = {{"prompt", build_prompt}};
const flow_component prompt_component = {{"Prompt Template", "Prompt"}, "Prompt Template", COMPONENT_PLAIN, outputs, 1};
