/* SPDX-License-Identifier: MIT */
/* What the table of settings and its readers share. */
#ifndef DB_SETTINGS_INTERNAL_H
#define DB_SETTINGS_INTERNAL_H

#include "base/str.h"
#include "db/settings.h"

typedef enum { SETTING_TEXT, SETTING_INT, SETTING_NUMBER, SETTING_BOOL, SETTING_LIST } setting_kind;
typedef enum { NO_UNIT, BYTES, DURATION, SECRET, ADDRESS_URL } setting_unit; /* the last: its password is masked */

typedef struct {
    const char *name;
    size_t at;
    setting_kind kind;
    setting_unit unit;
    const char *def;     /* as in the file, NULL: empty; "{data}" stands for the data directory */
    double min, max;     /* of numbers, sizes and durations (in seconds); both 0: no limit */
    const char *one_of;  /* "a|b|c" */
    const char *also;    /* further spellings of these, for old configurations: "x=a y=a z=b" */
    const char *aliases; /* further environment variables, apart by spaces; "NAME:h" adds the unit to a bare number */
    const char *text;    /* a sentence for the manual, without full stop */
} setting;

extern const setting settings_table[];
extern const size_t settings_count;

/* Where a value came from ("environment SLUICE_DATA", "data/sluice.conf:3"), "default" when from nowhere; and how it was
 * written there. */
const char *settings_source(size_t i);
const char *settings_raw(size_t i);

/* SLUICE_HTTP_MAX_BODY for "http.max_body". */
void settings_env_name(const char *name, buf *out);

/* One value into `slot`, in `a`.  False with a clause in `why` ("must be at least 1"). */
bool settings_parse(arena *a, const setting *st, str value, void *slot, buf *why);

#endif
