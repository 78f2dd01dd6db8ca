/* SPDX-License-Identifier: MIT */
/*
 * Searching a conversation's history; see recall.h.  A message scores by how many of the query's words it has, rarer words
 * counting more: the number of messages is small enough to look at each.
 */
#include "agent/recall.h"

#include <strings.h>

#include "agent/chat.h"
#include "base/clock.h"

enum { WORDS_MAX = 16, NEWEST = 4, PREVIEW = 300 };

typedef struct {
    const char *word;
    size_t found_in; /* messages */
} query_word;

typedef struct {
    const entry *e;
    double score;
} hit;

/* The query's words, without repetitions; one of a single byte says nothing. */
static size_t split(arena *a, const char *query, query_word *words)
{
    str rest = str_of(query), part;
    size_t n = 0;

    while (n < WORDS_MAX && str_next(&rest, ' ', &part)) {
        bool known = false;

        part = str_trim(part);
        for (size_t i = 0; i < n; i++)
            known |= str_is_nocase(part, words[i].word);
        if (part.len > 1 && !known)
            words[n++] = (query_word){.word = str_dup(a, part)};
    }
    return n;
}

static void count_messages(const ledger *l, size_t until, query_word *words, size_t n)
{
    for (size_t i = 0; i < until; i++)
        for (size_t w = 0; w < n; w++)
            words[w].found_in += l->items[i]->text != NULL && strcasestr(l->items[i]->text, words[w].word) != NULL;
}

static double score_of(const entry *e, const query_word *words, size_t n)
{
    double sum = 0;

    for (size_t w = 0; e->text != NULL && w < n; w++)
        if (strcasestr(e->text, words[w].word) != NULL)
            sum += 1.0 / (double)words[w].found_in;
    return sum;
}

static int best_first(const void *a, const void *b)
{
    double x = ((const hit *)a)->score, y = ((const hit *)b)->score;

    return (x < y) - (x > y);
}

static json_t *hit_json(arena *a, const entry *e)
{
    str shown = utf8_prefix(str_of(e->text), PREVIEW);
    json_t *o = json_object();

    json_set_str(o, "role", e->role == ROLE_USER ? "user" : e->role == ROLE_TOOL ? "tool" : "assistant");
    json_set_str(o, "content_preview", str_dup(a, shown));
    json_set_str(o, "timestamp", clock_iso_local(a, e->time));
    return o;
}

err recall_search(scope *s, const tool_context *cx, const char *query, size_t top_k, json_t **out)
{
    query_word words[WORDS_MAX];
    size_t n_words, n_hits = 0, until;
    ledger *l;
    hit *hits;

    if (cx->session_id == NULL) {
        *out = json_array();
        return OK;
    }
    n_words = split(s->arena, query, words);
    TRY(chat_history(s, s->arena, cx->session_id, &l));
    until = l->n > NEWEST ? l->n - NEWEST : 0;
    count_messages(l, until, words, n_words);
    hits = arena_array(s->arena, hit, until);
    for (size_t i = 0; i < until; i++) {
        double score = score_of(l->items[i], words, n_words);

        if (score > 0)
            hits[n_hits++] = (hit){l->items[i], score};
    }
    qsort(hits, n_hits, sizeof *hits, best_first);
    *out = json_array();
    for (size_t i = 0; i < n_hits && i < top_k; i++)
        json_array_append_new(*out, hit_json(s->arena, hits[i].e));
    return OK;
}
