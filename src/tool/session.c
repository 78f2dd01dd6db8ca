/* SPDX-License-Identifier: MIT */
/*
 * What tools keep between the calls of one run: commands in the background, notes and images for the next model request.
 *
 * Commands belong to a scope of their own below the run's: when that closes, they are killed.  Most runs start none, so the
 * scope is made when the first one asks for it.
 */
#include "tool/internal.h"

#include <stdlib.h>

#include "base/mem.h"

enum { IMAGES_MAX = 8, NOTES_MAX = 64 };

typedef struct {
    list_link link;
    char *text;
} item;

struct tool_session {
    scope *run;
    scope *s;         /* NULL until a command needs it */
    list_link tasks;  /* builtin_shell.c's */
    list_link notes;  /* items */
    list_link images; /* items: data URLs */
    size_t n_notes, n_images, last_id, starting;
};

static void free_items(list_link *head)
{
    list_link *l;

    while ((l = list_take_first(head)) != NULL) {
        item *i = LIST_OF(l, item, link);

        free(i->text);
        free(i);
    }
}

static void on_close(void *arg)
{
    tool_session *ts = arg;

    free_items(&ts->notes);
    free_items(&ts->images);
}

tool_session *tool_session_new(scope *s)
{
    tool_session *ts = arena_one(s->arena, tool_session);

    ts->run = s;
    list_init(&ts->tasks);
    list_init(&ts->notes);
    list_init(&ts->images);
    scope_defer(s, on_close, ts);
    return ts;
}

scope *session_scope(tool_session *ts)
{
    if (ts->s == NULL)
        ts->s = scope_child(ts->run, NO_LIMIT);
    return ts->s;
}

list_link *session_tasks(tool_session *ts)
{
    return &ts->tasks;
}

size_t *session_starting(tool_session *ts)
{
    return &ts->starting;
}

size_t session_next_id(tool_session *ts)
{
    return ++ts->last_id;
}

/* On the heap, not in the run's arena: a data URL is large, and a run is long. */
static void push(list_link *head, const char *text)
{
    item *i = mem_zalloc(1, sizeof *i);

    i->text = mem_strdup(text);
    list_append(head, &i->link);
}

static char *take(list_link *head, arena *a)
{
    list_link *l = list_take_first(head);
    item *i;
    char *text;

    if (l == NULL)
        return NULL;
    i = LIST_OF(l, item, link);
    text = arena_strdup(a, i->text);
    free(i->text);
    free(i);
    return text;
}

void session_note(tool_session *ts, const char *text)
{
    if (ts->n_notes >= NOTES_MAX)
        return;
    ts->n_notes++;
    push(&ts->notes, text);
}

bool session_queue_image(tool_session *ts, const char *data_url)
{
    if (ts->n_images >= IMAGES_MAX)
        return false;
    ts->n_images++;
    push(&ts->images, data_url);
    return true;
}

const char *tool_session_take_note(tool_session *ts, arena *a)
{
    const char *all = NULL, *one;

    while (ts != NULL && (one = take(&ts->notes, a)) != NULL)
        all = all == NULL ? one : arena_printf(a, "%s\n%s", all, one);
    if (all != NULL)
        ts->n_notes = 0;
    return all;
}

const char *tool_session_take_image(tool_session *ts, arena *a)
{
    const char *url = ts != NULL ? take(&ts->images, a) : NULL;

    if (url != NULL)
        ts->n_images--;
    return url;
}
