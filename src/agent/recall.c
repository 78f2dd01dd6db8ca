/* SPDX-License-Identifier: MIT */
/*
 * Searching a conversation's history; see recall.h.  A message scores by how many of the query's words it has, rarer words
 * counting more: the number of messages is small enough to look at each.
 */
#include "agent/recall.h"

#include <strings.h>

#include "agent/chat.h"
#include "base/clock.h"
#include "rt/offload.h"

enum { WORDS_MAX = 16, NEWEST = 4, PREVIEW = 300 };

typedef struct {
    const char *word;
    size_t found_in; /* messages */
} query_word;

typedef struct {
    const entry *e;
    uint32_t has; /* a bit for each of the words */
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

/* On a pool thread: histories may be large, and every word is looked for in all of it. */
typedef struct {
    const ledger *l;
    size_t until; /* messages */
    query_word *words;
    size_t n_words;
    hit *hits; /* one a message, then those that have a word */
    size_t n_hits;
} search;

static uint32_t words_in(const entry *e, const query_word *words, size_t n)
{
    uint32_t has = 0;

    for (size_t w = 0; e->text != NULL && w < n; w++)
        if (strcasestr(e->text, words[w].word) != NULL)
            has |= (uint32_t)1 << w;
    return has;
}

static double score_of(uint32_t has, const query_word *words, size_t n)
{
    double sum = 0;

    for (size_t w = 0; w < n; w++)
        if (has >> w & 1)
            sum += 1.0 / (double)words[w].found_in;
    return sum;
}

static int best_first(const void *a, const void *b)
{
    double x = ((const hit *)a)->score, y = ((const hit *)b)->score;

    return (x < y) - (x > y);
}

static void on_search(void *arg)
{
    search *f = arg;

    for (size_t i = 0; i < f->until; i++) {
        f->hits[i] = (hit){.e = f->l->items[i], .has = words_in(f->l->items[i], f->words, f->n_words)};
        for (size_t w = 0; w < f->n_words; w++)
            f->words[w].found_in += f->hits[i].has >> w & 1;
    }
    for (size_t i = 0; i < f->until; i++) {
        if (f->hits[i].has == 0)
            continue;
        f->hits[f->n_hits] = f->hits[i];
        f->hits[f->n_hits].score = score_of(f->hits[i].has, f->words, f->n_words);
        f->n_hits++;
    }
    qsort(f->hits, f->n_hits, sizeof *f->hits, best_first);
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
    search f = {.words = words};
    ledger *l;

    if (cx->session_id == NULL) {
        *out = json_array();
        return OK;
    }
    f.n_words = split(s->arena, query, words);
    TRY(chat_history(s, s->arena, cx->session_id, &l));
    f.l = l;
    f.until = l->n > NEWEST ? l->n - NEWEST : 0;
    f.hits = arena_array(s->arena, hit, f.until);
    TRY(offload(s, on_search, &f));
    *out = json_array();
    for (size_t i = 0; i < f.n_hits && i < top_k; i++)
        json_array_append_new(*out, hit_json(s->arena, f.hits[i].e));
    return OK;
}
