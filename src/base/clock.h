/* SPDX-License-Identifier: MIT */
/*
 * Time.  Deadlines use the monotonic clock; what is stored or shown uses the wall clock in microseconds since 1970 (UTC).
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/arena.h"
#include "base/str.h"

int64_t clock_mono(void); /* nanoseconds, monotonic */
int64_t clock_wall(void); /* microseconds since the epoch */

/* ISO 8601.  `clock_iso`: "2026-03-01T09:15:42.123456Z"; `clock_iso_ms`: "….123Z", as JavaScript writes it; `clock_iso_local`: local
 * time, no zone, microseconds unless zero. */
char *clock_iso(arena *a, int64_t wall_us);
char *clock_iso_ms(arena *a, int64_t wall_us);
char *clock_iso_local(arena *a, int64_t wall_us);

/* Reads ISO 8601 as programs write it (RFC 3339 and its shorter forms): "2026-02-11", "2026-02-11T09:15", "…:27", "…:27.412", each
 * with a time followed by "Z", "+01:00", "+0100" or nothing, which is UTC.  False when it is anything else. */
bool clock_parse_iso(str text, int64_t *wall_us);

/* RFC 5322 with the local zone: "Mon, 05 Jan 2026 10:00:00 +0800". */
char *clock_rfc5322(arena *a, int64_t wall_us);

#endif
