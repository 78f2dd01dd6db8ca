/* SPDX-License-Identifier: MIT */
/* Tests of base/clock.c. */
#include "base/clock.h"

#include <stdlib.h>
#include <time.h>

#include "test.h"

static void set_zone(const char *tz)
{
    CHECK_INT(setenv("TZ", tz, 1), 0);
    tzset();
}

TEST(the_monotonic_clock_never_goes_back)
{
    int64_t before = clock_mono();

    for (int i = 0; i < 100000; i++) {
        int64_t now = clock_mono();

        CHECK(now >= before, "%lld after %lld", (long long)now, (long long)before);
        before = now;
    }
}

TEST(the_wall_clock_counts_microseconds_since_1970)
{
    time_t now = time(NULL);
    int64_t wall = clock_wall();

    CHECK(wall / 1000000 >= now - 1 && wall / 1000000 <= now + 2, "%lld", (long long)wall);
}

TEST(iso_times_before_at_and_after_the_epoch)
{
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000000Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {-1000000, "1969-12-31T23:59:59.000000Z"},
        {1772356542123456, "2026-03-01T09:15:42.123456Z"},
        {253402300799999999, "9999-12-31T23:59:59.999999Z"},
    };
    arena *a = arena_new(NULL);

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_STR(clock_iso(a, cases[i].us), cases[i].text);
    CHECK(clock_iso(a, INT64_MAX) != NULL && clock_iso(a, INT64_MIN) != NULL, "the ends of the range");
    arena_free(a);
}

TEST(iso_times_in_milliseconds_are_cut_and_not_rounded)
{
    arena *a = arena_new(NULL);

    CHECK_STR(clock_iso_ms(a, 1772356542123999), "2026-03-01T09:15:42.123Z");
    CHECK_STR(clock_iso_ms(a, 0), "1970-01-01T00:00:00.000Z");
    CHECK_STR(clock_iso_ms(a, -1), "1969-12-31T23:59:59.999Z");
    arena_free(a);
}

TEST(local_times_follow_the_zone_and_its_summer)
{
    arena *a = arena_new(NULL);

    set_zone("CST-8");
    CHECK_STR(clock_iso_local(a, 1772356542123456), "2026-03-01T17:15:42.123456");
    CHECK_STR(clock_iso_local(a, 1772356542000000), "2026-03-01T17:15:42");
    CHECK_STR(clock_rfc5322(a, 1767578400000000), "Mon, 05 Jan 2026 10:00:00 +0800");
    set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
    CHECK_STR(clock_iso_local(a, 1767578400000000), "2026-01-05T03:00:00");
    CHECK_STR(clock_rfc5322(a, 1783000000000000), "Thu, 02 Jul 2026 15:46:40 +0200");
    arena_free(a);
}

TEST(iso_times_are_read_in_the_forms_that_programs_write)
{
    static const struct {
        const char *text;
        int64_t us; /* -1: refused */
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01", 0},
        {"1970-01-01T00:00:01", 1000000},
        {"1970-01-01 00:01", 60000000},
        {"2026-02-11T09:15:27.412Z", 1770801327412000},
        {"2026-02-11T10:15:27.412+01:00", 1770801327412000},
        {"2026-02-11T04:15:27.412-0500", 1770801327412000},
        {"2026-02-11t09:15:27.4120009z", 1770801327412000},
        {"2024-02-29T00:00:00Z", 1709164800000000},
        {"2023-02-29T00:00:00Z", -1},
        {"2026-04-31", -1},
        {"2026-13-01", -1},
        {"2026-00-10", -1},
        {"2026-01-01T24:00:00Z", -1},
        {"2026-01-01T00:00:00.Z", -1},
        {"2026-01-01T00:00:00+1", -1},
        {"2026-01-01T00:00:00Z ", -1},
        {"2026-01-01T", -1},
        {"20260101", -1},
        {"11 Feb 2026", -1},
        {"", -1},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t us = -1;

        CHECK(clock_parse_iso(str_of(cases[i].text), &us) == (cases[i].us != -1), "%s", cases[i].text);
        CHECK_INT(us, cases[i].us);
    }
}
