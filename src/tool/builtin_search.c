/* SPDX-License-Identifier: MIT */
/*
 * search_memory: what the workspace's documents and earlier conversations say about something.
 *
 * Files are scored by the query's words: rare words count more, repeated ones less each time (BM25 without an index, which
 * is quick enough for a workspace and never stale).  Chinese, Japanese and Korean are split into pairs of characters.  The
 * history comes from whoever keeps conversations, through tool_set_history_search().
 */
#include "tool/textfile.h"
#include "tool/walk.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

enum {
    TERMS_MAX = 16,
    FILES_MAX = 5000,
    FILE_MAX = 1 << 20,
    SNIPPETS = 3,
    SNIPPET_CHARS = 300,
    TOP_MAX = 50,
    PROBE = 4096
};

static history_search search_history;

void tool_set_history_search(history_search fn)
{
    search_history = fn;
}

typedef struct {
    char *text;
    size_t len;
    size_t files; /* that have it */
} term;

typedef struct {
    char *rel;
    size_t length; /* bytes */
    uint32_t count[TERMS_MAX];
    double score;
} candidate;

typedef struct {
    work *w;
    term terms[TERMS_MAX];
    size_t n_terms;
    candidate *files;
    size_t n, cap, seen;
    double total_length;
    arena *file;
} search_job;

static void lower(char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] = (char)(p[i] + 32);
}

static void add_term(search_job *j, const char *p, size_t len)
{
    if (len < 2 || j->n_terms == TERMS_MAX)
        return;
    for (size_t i = 0; i < j->n_terms; i++)
        if (j->terms[i].len == len && memcmp(j->terms[i].text, p, len) == 0)
            return;
    j->terms[j->n_terms++] = (term){arena_strndup(j->w->a, p, len), len, 0};
}

static bool is_wide(const char *p)
{
    return (unsigned char)p[0] >= 0xe3 && (unsigned char)p[0] <= 0xed; /* U+3000 to U+DFFF: three bytes each */
}

static void split_terms(search_job *j, const char *query)
{
    char *q = arena_strdup(j->w->a, query);
    size_t len = strlen(q), i = 0;

    lower(q, len);
    while (i < len) {
        size_t start = i;

        if (is_wide(q + i)) {
            add_term(j, q + i, i + 3 < len && is_wide(q + i + 3) ? 6 : 3);
            i += 3;
            continue;
        }
        while (i < len && !is_wide(q + i) &&
               ((unsigned char)q[i] >= 0x80 || strchr("abcdefghijklmnopqrstuvwxyz0123456789_", q[i]) != NULL))
            i++;
        if (i > start)
            add_term(j, q + start, i - start);
        else
            i++;
    }
}

static uint32_t occurrences(str text, const term *t)
{
    const char *at = text.p, *end = text.p + text.len;
    uint32_t n = 0;

    while (n < 1000 && (at = memmem(at, (size_t)(end - at), t->text, t->len)) != NULL) {
        n++;
        at += t->len;
    }
    return n;
}

/* The file in lower case; false when it is not text. */
static bool load_lower(search_job *j, const char *rel, str *text)
{
    arena_reset(j->file);
    if (workspace_read(j->file, &j->w->ws, rel, FILE_MAX, text) < 0 ||
        memchr(text->p, '\0', MIN_OF(text->len, PROBE)) != NULL || !utf8_valid(text->p, text->len))
        return false;
    lower((char *)(uintptr_t)text->p, text->len); /* it is our own copy */
    return true;
}

static bool search_visit(void *arg, const walk_file *f)
{
    search_job *j = arg;
    candidate c = {.length = (size_t)f->size};
    bool any = false;
    str text;

    if (f->size > FILE_MAX || f->size == 0 || cstr_starts(f->path, "TODO_LIST_"))
        return !work_over(j->w);
    if (++j->seen > FILES_MAX || work_over(j->w))
        return false;
    if (!load_lower(j, f->rel, &text))
        return true;
    j->total_length += (double)text.len;
    for (size_t i = 0; i < j->n_terms; i++) {
        c.count[i] = occurrences(text, &j->terms[i]) + 2 * occurrences(str_of(f->path), &j->terms[i]);
        j->terms[i].files += c.count[i] > 0;
        any |= c.count[i] > 0;
    }
    if (!any)
        return true;
    if (j->n == j->cap) {
        j->cap = MAX_OF(j->cap * 2, 64);
        j->files = mem_realloc(j->files, j->cap * sizeof *j->files);
    }
    c.rel = mem_strdup(f->rel);
    j->files[j->n++] = c;
    return true;
}

static void score(search_job *j)
{
    double average = j->seen > 0 ? j->total_length / (double)j->seen + 1 : 1;

    for (size_t i = 0; i < j->n; i++) {
        candidate *c = &j->files[i];

        for (size_t k = 0; k < j->n_terms; k++) {
            double rare =
                log(1 + ((double)j->seen - (double)j->terms[k].files + 0.5) / ((double)j->terms[k].files + 0.5));
            double n = c->count[k], norm = 0.25 + 0.75 * (double)c->length / average;

            c->score += rare * n * 2.2 / (n + 1.2 * norm);
        }
    }
}

static int best_first(const void *a, const void *b)
{
    const candidate *x = a, *y = b;

    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return strcmp(x->rel, y->rel);
}

static json_t *snippet(size_t line, str text)
{
    json_t *o = json_object();
    str cut = utf8_prefix(str_trim(text), SNIPPET_CHARS);

    json_set_int(o, "line_number", (int64_t)line);
    json_set(o, "text", json_stringn(cut.p, cut.len));
    return o;
}

/* The first lines that have one of the words. */
static json_t *snippets(search_job *j, const char *rel)
{
    json_t *list = json_array();
    str low, text, line;
    size_t *lines, n;

    if (!load_lower(j, rel, &low) || workspace_read(j->file, &j->w->ws, rel, FILE_MAX, &text) < 0 ||
        text.len != low.len)
        return list;
    n = text_lines(j->file, text, &lines);
    for (size_t i = 0; i < n && json_array_size(list) < SNIPPETS; i++) {
        bool hit = false;

        line = (str){low.p + lines[i], lines[i + 1] - lines[i]};
        for (size_t k = 0; k < j->n_terms && !hit; k++)
            hit = occurrences(line, &j->terms[k]) > 0;
        if (hit && utf8_valid(text.p + lines[i], line.len))
            json_array_append_new(list, snippet(i + 1, (str){text.p + lines[i], line.len}));
    }
    return list;
}

static size_t top_k(const json_t *args)
{
    int64_t k = json_get_int(args, "top_k", 5);

    return (size_t)(k < 1 ? 1 : k > TOP_MAX ? TOP_MAX : k);
}

static json_t *work_search(work *w)
{
    search_job *j = arena_one(w->a, search_job);
    json_t *list = json_array();

    j->w = w;
    j->file = arena_new(w->a);
    split_terms(j, arg_str(w->args, "query", ""));
    if (j->n_terms > 0)
        (void)walk_files(w, "", search_visit, j); /* what a bound leaves out is not found */
    score(j);
    if (j->n > 0)
        qsort(j->files, j->n, sizeof *j->files, best_first);
    for (size_t i = 0; i < j->n; i++) {
        if (i < top_k(w->args)) {
            json_t *o = json_object();

            json_set_str(o, "path", workspace_absolute(w->a, &w->ws, j->files[i].rel));
            json_set(o, "snippets", snippets(j, j->files[i].rel));
            json_array_append_new(list, o);
        }
        free(j->files[i].rel);
    }
    free(j->files);
    return list;
}

static err call_search(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    const char *query = arg_str(args, "query", "");
    json_t *files = NULL, *history = NULL, *o;

    (void)t;
    if (cstr_blank(query))
        return answer_json(s, tool_failure("INVALID_ARGUMENT", "query must not be empty"), out);
    if (cx->workspace != NULL)
        TRY(work_run(s, cx, args, SECONDS(10), work_search, &files));
    files = json_hold(s->arena, json_is_array(files) ? files : (json_decref(files), json_array()));
    if (search_history != NULL)
        TRY(search_history(s, cx, query, top_k(args), &history));
    history = json_hold(s->arena, history != NULL ? history : json_array());
    o = json_object();
    json_set_str(o, "status", "success");
    json_set_str(o, "message",
                 arena_printf(s->arena, "Found %zu files and %zu history messages", json_array_size(files),
                              json_array_size(history)));
    json_set(o, "long_term_memory", json_incref(files));
    json_set(o, "session_history", json_incref(history));
    json_set_str(o, "query", query);
    return answer_json(s, o, out);
}

static const param params[] = {
    {"query", "string", "Words to look for", .required = true},
    {"top_k", "integer", "Most files and messages to return", .fallback = "5"},
};

const builtin builtin_search_memory = {
    .name = "search_memory",
    .text = "Searches the workspace's documents and the earlier conversations.",
    PARAMS(params),
    .call = call_search,
    .timeout = SECONDS(60),
    .baseline = true,
};
