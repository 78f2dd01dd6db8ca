/* SPDX-License-Identifier: MIT */
/* Clocks and their text forms; see clock.h. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

int64_t clock_mono(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_wall(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t split(int64_t wall_us, time_t *seconds)
{
    int64_t micro = wall_us % 1000000;

    *seconds = (time_t)(wall_us / 1000000 - (micro < 0));
    return micro < 0 ? micro + 1000000 : micro;
}

char *clock_iso(arena *a, int64_t wall_us)
{
    time_t seconds;
    int64_t micro = split(wall_us, &seconds);
    char text[32];
    struct tm t;

    gmtime_r(&seconds, &t);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &t);
    return arena_printf(a, "%s.%06dZ", text, (int)micro);
}

char *clock_iso_local(arena *a, int64_t wall_us)
{
    time_t seconds;
    int64_t micro = split(wall_us, &seconds);
    char text[32];
    struct tm t;

    localtime_r(&seconds, &t);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &t);
    return micro == 0 ? arena_strdup(a, text) : arena_printf(a, "%s.%06d", text, (int)micro);
}

char *clock_rfc5322(arena *a, int64_t wall_us)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds;
    char rest[32], zone[16];
    struct tm t;

    split(wall_us, &seconds);
    localtime_r(&seconds, &t);
    strftime(rest, sizeof rest, "%Y %H:%M:%S", &t);
    strftime(zone, sizeof zone, "%z", &t);
    return arena_printf(a, "%s, %02d %s %s %s", days[t.tm_wday], t.tm_mday, months[t.tm_mon], rest, zone);
}
