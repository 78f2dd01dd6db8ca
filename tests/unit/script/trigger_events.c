/* SPDX-License-Identifier: MIT */
/* What polling scripts return, as events. */
#include "script/trigger.h"
#include "test.h"

static json_t *value(scope *s, const char *text)
{
    json_t *v = NULL;

    CHECK_INT(json_parse(s->arena, text, strlen(text), NULL, &v), OK);
    return v;
}

FIBER_TEST(events_are_sorted_by_time_and_keep_their_order_within_one_moment)
{
    json_t *v = value(s, "[{\"id\":\"late\",\"timestamp\":\"2026-01-02T00:00:00Z\",\"data\":1},"
                         "{\"id\":\"b\",\"timestamp\":\"2026-01-01T00:00:00Z\"},"
                         "{\"id\":7,\"timestamp\":\"2026-01-01T01:00:00+01:00\",\"data\":{\"x\":1}}]");
    trigger_event *events = NULL;
    size_t n = 0;

    CHECK_INT(trigger_read_events(s, v, &events, &n, NULL), OK);
    CHECK_INT(n, 3);
    CHECK_STR(events[0].id, "b");
    CHECK(json_is_null(events[0].data), "no data is null");
    CHECK_STR(events[1].id, "7");
    CHECK_INT(events[1].time, events[0].time);
    CHECK_STR(events[2].id, "late");
    CHECK_STR(events[2].timestamp, "2026-01-02T00:00:00Z");
}

FIBER_TEST(what_is_no_event_is_left_out_with_a_line_that_says_why)
{
    json_t *v = value(s, "[5,{\"id\":\"\",\"timestamp\":\"2026-01-01\"},{\"id\":\"a\",\"timestamp\":\"yesterday\"},"
                         "{\"id\":true,\"timestamp\":\"2026-01-01\"},{\"id\":\"ok\",\"timestamp\":\"2026-01-01\"}]");
    json_t *rejected = json_hold(s->arena, json_array());
    trigger_event *events = NULL;
    size_t n = 0;

    CHECK_INT(trigger_read_events(s, v, &events, &n, rejected), OK);
    CHECK_INT(n, 1);
    CHECK_STR(events[0].id, "ok");
    CHECK_INT(json_array_size(rejected), 4);
    CHECK_STR(json_string_value(json_array_get(rejected, 0)), "event 0: is no object");
    CHECK_STR(json_string_value(json_array_get(rejected, 1)), "event 1: has no id");
    CHECK_STR(json_string_value(json_array_get(rejected, 2)), "event 2: has no ISO 8601 timestamp");
}

FIBER_TEST(anything_but_an_array_of_bounded_length_is_refused)
{
    json_t *many = json_hold(s->arena, json_array());
    trigger_event *events = NULL;
    size_t n = 0;

    for (size_t i = 0; i < TRIGGER_EVENTS_MAX + 1; i++)
        json_array_append_new(many, json_null());
    CHECK_INT(trigger_read_events(s, value(s, "{}"), &events, &n, NULL), ERR_INVALID);
    CHECK_INT(trigger_read_events(s, value(s, "null"), &events, &n, NULL), ERR_INVALID);
    CHECK_INT(trigger_read_events(s, many, &events, &n, NULL), ERR_INVALID);
    CHECK_INT(trigger_read_events(s, value(s, "[]"), &events, &n, NULL), OK);
    CHECK_INT(n, 0);
}
