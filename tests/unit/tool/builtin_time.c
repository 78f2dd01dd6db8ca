/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include "base/clock.h"

FIBER_TEST(the_time_is_told_in_any_zone)
{
    tool_context cx = fixture_context(s);
    json_t *v = fixture_call(s, &cx, "get_current_time", "{}");
    int64_t now = clock_wall() / 1000000;

    CHECK(json_get_bool(v, "success", false), "%s", json_text(s->arena, v));
    CHECK(json_get_int(v, "unix_time", 0) >= now - 5 && json_get_int(v, "unix_time", 0) <= now, "now");
    v = fixture_call(s, &cx, "get_current_time", "{\"timezone\":\"Asia/Tokyo\"}");
    CHECK(cstr_ends(json_get_str(v, "current_time", ""), "+09:00"), "%s", json_text(s->arena, v));
    CHECK_STR(json_get_str(v, "timezone", NULL), "Asia/Tokyo");
    CHECK_STR(json_get_str(v, "abbreviation", NULL), "JST");
    v = fixture_call(s, &cx, "get_current_time", "{\"timezone\":\"UTC\"}");
    CHECK(cstr_ends(json_get_str(v, "current_time", ""), "+00:00"), "%s", json_text(s->arena, v));
    CHECK(cstr_ends(json_get_str(v, "weekday", ""), "day"), "a weekday");
}

FIBER_TEST(only_names_of_zones_are_zones)
{
    static const char *const bad[] = {"Mars/Olympus", "../../etc/passwd", "/etc/passwd", "UTC;rm",
                                      "Asia/",        ".hidden",          "zone.tab"};
    tool_context cx = fixture_context(s);

    for (size_t i = 0; i < COUNT(bad); i++) {
        fixture_fails(s, &cx, "get_current_time", arena_printf(s->arena, "{\"timezone\":\"%s\"}", bad[i]),
                      "INVALID_ARGUMENT");
    }
}
