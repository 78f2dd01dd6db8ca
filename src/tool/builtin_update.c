/* SPDX-License-Identifier: MIT */
/*
 * file_update: several edits of one text file, all of them or none.
 *
 * Line ranges refer to the file as it was and are applied from the bottom up; searches follow in the order given and see
 * what came before.  Nothing is written until every operation has succeeded.
 */
#include "tool/pattern.h"
#include "tool/textfile.h"

#include <stdlib.h>

#include "base/mem.h"

enum { OPERATIONS_MAX = 100, SHOWN_MATCHES = 10, HITS_MAX = 1000000 };

typedef struct {
    size_t index;
    bool by_line;
    bool all;
    const char *search; /* NULL for line ranges */
    str replacement;
    int64_t start, end;
    const char *match_mode;
    int64_t replacements;
} operation;

typedef struct {
    work *w;
    str text;
    char *owned; /* heap memory behind `text` once something was replaced */
    operation *ops;
    size_t n;
} update;

static json_t *failed(json_t *problem, const operation *op)
{
    json_set_int(problem, "failed_operation_index", (int64_t)op->index);
    return problem;
}

static json_t *read_operation(const json_t *v, operation *op)
{
    const char *mode =
        json_get_str(v, "update_mode", json_object_get(v, "search_pattern") ? "search_replace" : "line_range");
    const char *replacement = json_get_str(v, "replacement", NULL);

    if (!json_is_object(v) || replacement == NULL)
        return failed(tool_failure("INVALID_ARGUMENT", "Each operation is an object with update_mode and replacement"),
                      op);
    op->replacement = str_of(replacement);
    op->by_line = cstr_eq(mode, "line_range");
    op->all = json_get_bool(v, "replace_all", false);
    if (!op->by_line && !cstr_eq(mode, "search_replace"))
        return failed(tool_failure("INVALID_ARGUMENT", "update_mode must be search_replace or line_range"), op);
    if (!op->by_line) {
        op->search = json_get_str(v, "search_pattern", "");
        if (op->search[0] == '\0')
            return failed(tool_failure("INVALID_ARGUMENT", "search_pattern must not be empty"), op);
        return NULL;
    }
    op->start = json_get_int(v, "start_line", -1);
    op->end = json_get_int(v, "end_line", op->start);
    if (op->start < 0 || op->end < op->start)
        return failed(
            tool_failure("INVALID_ARGUMENT", "line_range needs start_line (from 0) and end_line not before it"), op);
    return NULL;
}

static json_t *read_operations(update *u)
{
    const json_t *list = json_get_arr(u->w->args, "operations");
    json_t *problem;

    u->n = json_array_size(list);
    if (u->n == 0 || u->n > OPERATIONS_MAX)
        return tool_failure("INVALID_ARGUMENT", "operations must be a list of 1 to %d objects", OPERATIONS_MAX);
    u->ops = arena_array(u->w->a, operation, u->n);
    for (size_t i = 0; i < u->n; i++) {
        u->ops[i].index = i;
        if ((problem = read_operation(json_array_get(list, i), &u->ops[i])) != NULL)
            return problem;
    }
    return NULL;
}

static json_t *too_large(const operation *op)
{
    return failed(tool_failure("INVALID_ARGUMENT", "The file would be larger than %d MB", FILE_LIMIT >> 20), op);
}

typedef struct {
    size_t start, end;
    str with;
} hit;

typedef struct {
    hit *items; /* heap */
    size_t n, cap;
    size_t bytes; /* of all replacements */
} hits;

/* False when the replacements together pass every limit: no use in going on. */
static bool hits_add(hits *h, hit one)
{
    if (h->n == h->cap) {
        h->cap = MAX_OF(h->cap * 2, 16);
        h->items = mem_realloc(h->items, h->cap * sizeof *h->items);
    }
    h->items[h->n++] = one;
    h->bytes += one.with.len;
    return h->bytes <= FILE_LIMIT && h->n <= HITS_MAX;
}

static json_t *find_literal(update *u, const operation *op, hits *h)
{
    size_t len = strlen(op->search);
    const char *at = u->text.p, *end = at + u->text.len;

    while ((at = memmem(at, (size_t)(end - at), op->search, len)) != NULL) {
        size_t start = (size_t)(at - u->text.p);

        if (!hits_add(h, (hit){start, start + len, op->replacement}))
            return too_large(op);
        at += len;
    }
    return NULL;
}

/* "\1" to "\9" stand for groups; every other backslash is meant as it is. */
static str expand(arena *a, const pattern *p, str text, str with)
{
    buf b = BUF_INIT(FILE_LIMIT);
    str out;

    if (memchr(with.p, '\\', with.len) == NULL)
        return with;

    for (size_t i = 0; i < with.len; i++) {
        str group;

        if (with.p[i] != '\\' || i + 1 == with.len || with.p[i + 1] < '1' || with.p[i + 1] > '9') {
            buf_putc(&b, with.p[i]);
            continue;
        }
        group = pattern_group(p, text, (unsigned)(with.p[++i] - '0'));
        buf_add(&b, group.p, group.len);
    }
    out = (str){arena_strndup(a, buf_str(&b), b.len), b.len};
    buf_close(&b);
    return out;
}

static json_t *find_pattern(update *u, const operation *op, hits *h)
{
    const char *reason;
    pattern *p = pattern_new(u->w->a, op->search, (pattern_options){.over = work_ask_over, .arg = u->w}, &reason);
    size_t at = 0, start, end;
    pattern_found found;

    if (p == NULL)
        return NULL; /* not a pattern either: it is simply not found */
    while (at <= u->text.len && (found = pattern_find(p, u->text, at, &start, &end)) != PATTERN_NO) {
        if (found == PATTERN_TOO_HARD || work_over(u->w))
            return failed(tool_failure("INVALID_ARGUMENT", "The search pattern backtracks too much on this file"), op);
        if (end > start /* an empty match replaces nothing */ &&
            !hits_add(h, (hit){start, end, expand(u->w->a, p, u->text, op->replacement)}))
            return too_large(op);
        at = end > start ? end : end + 1;
    }
    return NULL;
}

static json_t *matches_json(const update *u, const hits *h)
{
    json_t *list = json_array();
    size_t line = 1, at = 0;

    for (size_t i = 0; i < MIN_OF(h->n, SHOWN_MATCHES); i++) {
        json_t *o = json_object();
        str shown = {u->text.p + h->items[i].start, h->items[i].end - h->items[i].start};

        for (; at < h->items[i].start; at++)
            line += u->text.p[at] == '\n';
        shown = utf8_prefix(shown, 200);
        json_set_int(o, "line", (int64_t)line);
        json_set(o, "text", json_stringn(shown.p, shown.len));
        json_array_append_new(list, o);
    }
    return list;
}

/* Takes the items of `h`. */
static json_t *replace_hits(update *u, const operation *op, hits *h)
{
    buf b = BUF_INIT(FILE_LIMIT);
    size_t at = 0;

    for (size_t i = 0; i < h->n; i++) {
        buf_add(&b, u->text.p + at, h->items[i].start - at);
        buf_add(&b, h->items[i].with.p, h->items[i].with.len);
        at = h->items[i].end;
    }
    buf_add(&b, u->text.p + at, u->text.len - at);
    if (!buf_ok(&b)) {
        buf_close(&b);
        return too_large(op);
    }
    u->text = (str){buf_str(&b), b.len};
    free(u->owned);
    u->owned = b.data;
    return NULL;
}

static int from_the_top(const void *a, const void *b)
{
    const operation *x = *(operation *const *)a, *y = *(operation *const *)b;

    return x->start < y->start ? -1 : x->start > y->start;
}

/* What a range becomes; the line after it stays a line of its own. */
static str range_text(update *u, const operation *op, size_t end)
{
    str with = op->replacement;

    if (with.len > 0 && u->text.p[end - 1] == '\n' && with.p[with.len - 1] != '\n')
        with = str_of(arena_printf(u->w->a, "%.*s\n", STR_ARG(with)));
    return with;
}

static json_t *add_ranges(update *u, operation **sorted, size_t n, hits *h)
{
    size_t *lines, total = text_lines(u->w->a, u->text, &lines);

    for (size_t i = 0; i < n; i++) {
        operation *op = sorted[i];

        if (i > 0 && op->start <= sorted[i - 1]->end)
            return failed(tool_failure("INVALID_ARGUMENT", "Two line ranges overlap"), op);
        if ((uint64_t)op->end >= total)
            return failed(tool_failure("INVALID_ARGUMENT",
                                       "Line %lld is not there: the file has %zu lines, counted from 0",
                                       (long long)op->end, total),
                          op);
        op->replacements = 1;
        if (!hits_add(h, (hit){lines[op->start], lines[op->end + 1], range_text(u, op, lines[op->end + 1])}))
            return too_large(op);
    }
    return NULL;
}

/* All ranges at once: the same as one by one from the bottom. */
static json_t *apply_ranges(update *u)
{
    operation **sorted = arena_array(u->w->a, operation *, u->n);
    hits h = {0};
    size_t n = 0;
    json_t *problem;

    for (size_t i = 0; i < u->n; i++)
        if (u->ops[i].by_line)
            sorted[n++] = &u->ops[i];
    if (n == 0)
        return NULL;
    qsort(sorted, n, sizeof *sorted, from_the_top);
    problem = add_ranges(u, sorted, n, &h);
    if (problem == NULL)
        problem = replace_hits(u, sorted[n - 1], &h);
    free(h.items);
    return problem;
}

static json_t *not_exactly_once(const update *u, const operation *op, const hits *h)
{
    json_t *problem;

    if (h->n == 0) {
        problem = tool_failure("NO_MATCH", "The search text was not found in the file");
        json_set_str(problem, "hint", "Read the file again and copy the text exactly, white space included");
        return failed(problem, op);
    }
    problem = tool_failure("MULTIPLE_MATCHES", "The search text occurs %zu times and must be unique", h->n);
    json_set_int(problem, "match_count", (int64_t)h->n);
    json_set(problem, "matches", matches_json(u, h));
    json_set_str(problem, "hint", "Add lines around it until it is unique, or set replace_all");
    return failed(problem, op);
}

static json_t *apply_search(update *u, operation *op)
{
    hits h = {0};
    json_t *problem;

    op->match_mode = "literal";
    problem = find_literal(u, op, &h);
    if (problem == NULL && h.n == 0) {
        op->match_mode = "regex";
        problem = find_pattern(u, op, &h);
    }
    if (problem == NULL && (h.n == 0 || (h.n > 1 && !op->all)))
        problem = not_exactly_once(u, op, &h);
    op->replacements = (int64_t)h.n;
    if (problem == NULL)
        problem = replace_hits(u, op, &h);
    free(h.items);
    return problem;
}

static json_t *apply(update *u)
{
    json_t *problem = apply_ranges(u);

    for (size_t i = 0; i < u->n && problem == NULL; i++)
        if (!u->ops[i].by_line)
            problem = apply_search(u, &u->ops[i]);
    if (problem == NULL && !utf8_valid(u->text.p, u->text.len))
        problem = tool_failure("INVALID_ARGUMENT", "The result would not be UTF-8 text");
    return problem;
}

static const char *mode_name(const operation *op)
{
    return op->by_line ? "line_range" : "search_replace";
}

static json_t *update_result(const update *u, const char *rel, str before)
{
    json_t *o = json_object(), *list = json_array();
    int64_t replacements = 0;

    for (size_t i = 0; i < u->n; i++) {
        const operation *op = &u->ops[i];
        json_t *one = json_object();

        json_set_int(one, "index", (int64_t)i);
        json_set_str(one, "update_mode", mode_name(op));
        if (op->match_mode != NULL)
            json_set_str(one, "match_mode", op->match_mode);
        json_set_int(one, "replacements", op->replacements);
        json_array_append_new(list, one);
        replacements += op->replacements;
    }
    json_set_str(o, "status", "success");
    json_set_bool(o, "success", true);
    json_set_str(o, "message",
                 arena_printf(u->w->a, "Successfully applied %zu update operations and made %lld replacements.", u->n,
                              (long long)replacements));
    json_set_int(o, "replacements", replacements);
    json_set_int(o, "operations_applied", (int64_t)u->n);
    json_set(o, "operations", list);
    json_set_int(o, "original_length", (int64_t)utf8_count(before));
    json_set_int(o, "new_length", (int64_t)utf8_count(u->text));
    json_set_str(o, "file_path", workspace_absolute(u->w->a, &u->w->ws, rel));
    json_set_str(o, "update_mode", u->n > 1 ? "batch" : mode_name(&u->ops[0]));
    json_set(o, "validation", text_validate(u->w->a, rel, u->text));
    return o;
}

static json_t *edit(update *u, const char *given)
{
    const char *rel;
    str before;
    json_t *problem;
    int e;

    if ((problem = text_load(u->w, given, &rel, &before)) != NULL)
        return problem;
    u->text = before;
    if ((problem = apply(u)) != NULL) {
        json_set_str(problem, "file_path", workspace_absolute(u->w->a, &u->w->ws, rel));
        return problem;
    }
    if ((e = workspace_write(&u->w->ws, rel, u->text.p, u->text.len)) < 0)
        return tool_path_failure(e, given);
    return update_result(u, rel, before);
}

static json_t *work_update(work *w)
{
    update u = {.w = w};
    json_t *o = read_operations(&u);

    if (o != NULL)
        return o;
    workspace_lock(&w->ws);
    o = edit(&u, arg_str(w->args, "file_path", ""));
    workspace_unlock(&w->ws);
    free(u.owned);
    return o;
}

static err call_update(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    json_t *result;

    (void)t;
    TRY(work_run(s, cx, args, SECONDS(20), work_update, &result));
    return answer_json(s, result, out);
}

static const param update_params[] = {
    {"file_path", "string", "Path of the file, absolute or relative to the workspace", .required = true},
    {"operations", "array", "Edits, applied all or none. Line ranges refer to the file as it is now.", .required = true,
     .extra = "{\"items\":{\"type\":\"object\",\"properties\":{"
              "\"update_mode\":{\"type\":\"string\",\"enum\":[\"search_replace\",\"line_range\"]},"
              "\"search_pattern\":{\"type\":\"string\",\"description\":\"Text to find, literally; as a regular "
              "expression when it does not occur literally\"},"
              "\"replacement\":{\"type\":\"string\"},"
              "\"start_line\":{\"type\":\"integer\",\"description\":\"First line of a range, counted from 0\"},"
              "\"end_line\":{\"type\":\"integer\",\"description\":\"Last line of a range, included\"},"
              "\"replace_all\":{\"type\":\"boolean\",\"default\":false}},"
              "\"required\":[\"update_mode\",\"replacement\"]}}"},
};

const builtin builtin_file_update = {
    .name = "file_update",
    .text =
        "Edits a text file of the workspace by searching and replacing, or by line ranges. The search text must occur "
        "exactly once unless replace_all is set.",
    PARAMS(update_params),
    .call = call_update,
    .timeout = SECONDS(60),
    .baseline = true,
};
