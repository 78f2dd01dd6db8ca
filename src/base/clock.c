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

static void put_utc(char *text, size_t size, time_t seconds)
{
    struct tm t;

    gmtime_r(&seconds, &t);
    strftime(text, size, "%Y-%m-%dT%H:%M:%S", &t);
}

char *clock_iso(arena *a, int64_t wall_us)
{
    time_t seconds;
    int64_t micro = split(wall_us, &seconds);
    char text[32];

    put_utc(text, sizeof text, seconds);
    return arena_printf(a, "%s.%06dZ", text, (int)micro);
}

char *clock_iso_ms(arena *a, int64_t wall_us)
{
    time_t seconds;
    int64_t micro = split(wall_us, &seconds);
    char text[32];

    put_utc(text, sizeof text, seconds);
    return arena_printf(a, "%s.%03dZ", text, (int)(micro / 1000));
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

/* Takes `digits` digits off the front; false when they are not there or the number is above `most`. */
static bool take_number(str *rest, size_t digits, int64_t most, int64_t *out)
{
    int64_t n = 0;

    if (rest->len < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (rest->p[i] < '0' || rest->p[i] > '9')
            return false;
        n = n * 10 + (rest->p[i] - '0');
    }
    rest->p += digits;
    rest->len -= digits;
    *out = n;
    return n <= most;
}

static bool take_char(str *rest, const char *any_of)
{
    if (rest->len == 0 || *rest->p == '\0' || strchr(any_of, *rest->p) == NULL)
        return false;
    rest->p++;
    rest->len--;
    return true;
}

/* Digits behind the point, of which six count. */
static bool take_fraction(str *rest, int64_t *micro)
{
    size_t digits = 0;

    for (; rest->len > 0 && *rest->p >= '0' && *rest->p <= '9'; digits++, rest->p++, rest->len--)
        if (digits < 6)
            *micro = *micro * 10 + (*rest->p - '0');
    for (size_t i = digits; i < 6; i++)
        *micro *= 10;
    return digits > 0;
}

/* Seconds that local time is ahead of UTC. */
static bool take_zone(str *rest, int64_t *ahead)
{
    bool west = rest->len > 0 && *rest->p == '-';
    int64_t hours, minutes;

    *ahead = 0;
    if (rest->len == 0 || take_char(rest, "Zz"))
        return true;
    if (!take_char(rest, "+-") || !take_number(rest, 2, 23, &hours))
        return false;
    take_char(rest, ":");
    if (!take_number(rest, 2, 59, &minutes))
        return false;
    *ahead = (hours * 60 + minutes) * (west ? -60 : 60);
    return true;
}

static bool take_time(str *rest, struct tm *t, int64_t *micro)
{
    int64_t hour, minute, second = 0;

    if (!take_number(rest, 2, 23, &hour) || !take_char(rest, ":") || !take_number(rest, 2, 59, &minute))
        return false;
    if (take_char(rest, ":")) {
        if (!take_number(rest, 2, 60, &second)) /* 60: a leap second */
            return false;
        if (take_char(rest, ".,") && !take_fraction(rest, micro))
            return false;
    }
    t->tm_hour = (int)hour;
    t->tm_min = (int)minute;
    t->tm_sec = (int)second;
    return true;
}

bool clock_parse_iso(str text, int64_t *wall_us)
{
    int64_t year, month, day, micro = 0, ahead = 0;
    struct tm t = {0};
    time_t seconds;

    if (!take_number(&text, 4, 9999, &year) || !take_char(&text, "-") || !take_number(&text, 2, 12, &month) ||
        !take_char(&text, "-") || !take_number(&text, 2, 31, &day) || month < 1 || day < 1)
        return false;
    if (take_char(&text, "Tt ") && (!take_time(&text, &t, &micro) || !take_zone(&text, &ahead)))
        return false;
    t.tm_year = (int)year - 1900;
    t.tm_mon = (int)month - 1;
    t.tm_mday = (int)day;
    seconds = timegm(&t);
    if (text.len > 0 || t.tm_mday != day) /* timegm() has carried 31 April over into May */
        return false;
    *wall_us = ((int64_t)seconds - ahead) * 1000000 + micro;
    return true;
}
