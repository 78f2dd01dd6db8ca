/* SPDX-License-Identifier: MIT */
/*
 * What providers do not take: learned from their answers, and remembered for a while, so that only the first request to a
 * provider pays for it.
 */
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "llm/llm_internal.h"

enum { REMEMBERED = 64 };

typedef struct {
    char *key; /* "base URL|model"; NULL: free */
    char *dropped[DROPPED_MAX];
    size_t n_dropped;
    bool completion_tokens;
    int64_t until;
} memory;

static memory memories[REMEMBERED];
static size_t oldest;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

bool quirks_drop(const llm_quirks *q, const char *parameter)
{
    for (size_t i = 0; i < q->n_dropped; i++)
        if (cstr_eq(q->dropped[i], parameter))
            return true;
    return false;
}

bool quirks_learn(arena *a, llm_quirks *q, const llm_fault *f)
{
    if (f->parameter == NULL)
        return false;
    if (cstr_eq(f->parameter, "max_tokens") && !q->completion_tokens && f->detail != NULL &&
        strstr(f->detail, "max_completion_tokens") != NULL) {
        q->completion_tokens = true;
        return true;
    }
    if (q->n_dropped == DROPPED_MAX || quirks_drop(q, f->parameter))
        return false;
    q->passing[q->n_dropped] = f->passing;
    q->dropped[q->n_dropped++] = arena_strdup(a, f->parameter);
    return true;
}

static memory *find(const char *key)
{
    for (size_t i = 0; i < REMEMBERED; i++)
        if (memories[i].key != NULL && cstr_eq(memories[i].key, key))
            return &memories[i];
    return NULL;
}

static char *key_of(arena *a, const llm_endpoint *at)
{
    return arena_printf(a, "%s|%s", at->base_url, at->model);
}

void quirks_recall(arena *a, const llm_endpoint *at, llm_quirks *q)
{
    char *key = key_of(a, at);
    memory *m;

    pthread_mutex_lock(&lock);
    m = find(key);
    if (m != NULL && clock_mono() < m->until) {
        q->completion_tokens = m->completion_tokens;
        for (q->n_dropped = 0; q->n_dropped < m->n_dropped; q->n_dropped++)
            q->dropped[q->n_dropped] = arena_strdup(a, m->dropped[q->n_dropped]);
    }
    pthread_mutex_unlock(&lock);
}

static void forget(memory *m)
{
    free(m->key);
    for (size_t i = 0; i < m->n_dropped; i++)
        free(m->dropped[i]);
    *m = (memory){0};
}

void quirks_remember(const llm_endpoint *at, const llm_quirks *q)
{
    arena *a = arena_new(NULL);
    char *key = key_of(a, at);
    memory *m;

    pthread_mutex_lock(&lock);
    m = find(key);
    m = m != NULL ? m : &memories[oldest++ % REMEMBERED];
    forget(m);
    m->key = mem_strdup(key);
    m->completion_tokens = q->completion_tokens;
    for (size_t i = 0; i < q->n_dropped; i++)
        if (!q->passing[i])
            m->dropped[m->n_dropped++] = mem_strdup(q->dropped[i]);
    m->until = clock_mono() + MINUTES(60);
    pthread_mutex_unlock(&lock);
    arena_free(a);
}
