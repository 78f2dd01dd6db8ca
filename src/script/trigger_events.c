/* SPDX-License-Identifier: MIT */
/* What a polling script returned, as events; see trigger.h. */
#include <stdlib.h>

#include "base/clock.h"
#include "script/trigger.h"

enum { REJECTED_MAX = 20 };

static void reject(json_t *rejected, arena *a, size_t at, const char *why)
{
    if (rejected != NULL && json_array_size(rejected) < REJECTED_MAX)
        json_array_append_new(rejected, json_str(arena_printf(a, "event %zu: %s", at, why)));
}

static const char *event_id(arena *a, const json_t *id)
{
    if (json_is_string(id))
        return json_string_value(id);
    return json_is_integer(id) ? arena_printf(a, "%lld", (long long)json_integer_value(id)) : NULL;
}

/* NULL when it is one, else why not. */
static const char *read_event(arena *a, const json_t *v, trigger_event *e)
{
    e->id = event_id(a, json_object_get(v, "id"));
    e->timestamp = json_get_str(v, "timestamp", NULL);
    e->data = json_object_get(v, "data");
    if (!json_is_object(v))
        return "is no object";
    if (cstr_blank(e->id))
        return "has no id";
    if (strlen(e->id) > TRIGGER_EVENT_ID_MAX)
        return "has an id of more than 500 bytes";
    if (e->timestamp == NULL || !clock_parse_iso(str_of(e->timestamp), &e->time))
        return "has no ISO 8601 timestamp";
    if (e->data == NULL)
        e->data = json_null();
    return NULL;
}

typedef struct {
    trigger_event event;
    size_t place;
} placed_event;

/* Events of one time stay in the order in which they were returned. */
static int by_time(const void *x, const void *y)
{
    const placed_event *a = x, *b = y;

    if (a->event.time != b->event.time)
        return a->event.time < b->event.time ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

err trigger_read_events(scope *s, const json_t *value, trigger_event **out, size_t *n, json_t *rejected)
{
    size_t count = json_array_size(value), found = 0;
    placed_event *list;

    if (!json_is_array(value))
        return fail(s, ERR_INVALID, "a trigger's code must return an array of events");
    if (count > TRIGGER_EVENTS_MAX)
        return fail(s, ERR_INVALID, "a trigger's code returned %zu events, more than the %d that one poll may have",
                    count, TRIGGER_EVENTS_MAX);
    list = arena_array(s->arena, placed_event, count);
    for (size_t i = 0; i < count; i++) {
        const char *why = read_event(s->arena, json_array_get(value, i), &list[found].event);

        list[found].place = i;
        if (why != NULL)
            reject(rejected, s->arena, i, why);
        else
            found++;
    }
    if (found > 1)
        qsort(list, found, sizeof *list, by_time);
    *out = arena_array(s->arena, trigger_event, found);
    for (size_t i = 0; i < found; i++)
        (*out)[i] = list[i].event;
    *n = found;
    return OK;
}
