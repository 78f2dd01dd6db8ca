/* SPDX-License-Identifier: MIT */
/* One setting's text into its value; see settings_internal.h. */
#include <math.h>

#include "db/settings_internal.h"

static bool parse_bool(str value, bool *out)
{
    static const char *const yes[] = {"yes", "true", "1", "on", "y", "t"};
    static const char *const no[] = {"no", "false", "0", "off", "n", "f"};

    for (size_t i = 0; i < COUNT(yes); i++) {
        if (str_is_nocase(value, yes[i]) || str_is_nocase(value, no[i])) {
            *out = str_is_nocase(value, yes[i]);
            return true;
        }
    }
    return false;
}

/* "1.5h", "32M": the factor of the unit comes from the readers of whole numbers. */
static bool parse_scaled(str value, setting_unit unit, double *out)
{
    size_t digits = 0;
    char one[16] = "1";
    int64_t factor;
    double n;

    while (digits < value.len && (value.p[digits] == '.' || (value.p[digits] >= '0' && value.p[digits] <= '9')))
        digits++;
    if (value.len - digits >= sizeof one - 1 || !str_to_double((str){value.p, digits}, &n))
        return false;
    memcpy(one + 1, value.p + digits, value.len - digits);
    if (unit == BYTES ? !str_to_bytes(str_of(one), &factor) : !str_to_duration(str_of(one), &factor))
        return false;
    *out = n * (double)factor;
    return fabs(*out) < 9e18;
}

/* Limits of durations are seconds. */
static bool in_range(const setting *st, double n, buf *why)
{
    double shown = st->unit == DURATION ? n / 1e9 : n;
    const char *unit = st->unit == DURATION ? " seconds" : st->unit == BYTES ? " bytes" : "";

    if (st->min == 0 && st->max == 0)
        return true;
    if (shown < st->min)
        buf_printf(why, "must be at least %.15g%s", st->min, unit);
    else if (st->max >= st->min && shown > st->max)
        buf_printf(why, "must be at most %.15g%s", st->max, unit);
    else
        return true;
    return false;
}

static bool parse_int(const setting *st, str value, int64_t *out, buf *why)
{
    double scaled;
    int64_t n;

    if (st->unit == BYTES || st->unit == DURATION) {
        if (!parse_scaled(value, st->unit, &scaled)) {
            buf_puts(why, st->unit == BYTES ? "must be a size such as 32M" : "must be a time such as 30s, 10m or 1h");
            return false;
        }
        n = (int64_t)scaled;
    } else if (!str_to_int(value, &n)) {
        buf_puts(why, "must be a whole number");
        return false;
    }
    if (!in_range(st, (double)n, why))
        return false;
    *out = n;
    return true;
}

static bool parse_number(const setting *st, str value, double *out, buf *why)
{
    double n;

    if (!str_to_double(value, &n)) {
        buf_puts(why, "must be a number");
        return false;
    }
    if (!in_range(st, n, why))
        return false;
    *out = n;
    return true;
}

/* The spelling of the table for another one of the same meaning. */
static str plain_choice(arena *a, const setting *st, str value)
{
    str rest = str_of(st->also), pair;

    while (str_next(&rest, ' ', &pair)) {
        ptrdiff_t at = str_find(pair, STR("="));

        if (at > 0 && str_is_nocase(value, str_dup(a, (str){pair.p, (size_t)at})))
            return (str){pair.p + at + 1, pair.len - (size_t)at - 1};
    }
    return value;
}

static bool parse_text(arena *a, const setting *st, str value, const char **out, buf *why)
{
    str rest = str_of(st->one_of), one;

    if (st->one_of == NULL) {
        *out = str_dup(a, value);
        return true;
    }
    value = plain_choice(a, st, value);
    while (str_next(&rest, '|', &one)) {
        char *choice = str_dup(a, one);

        if (str_is_nocase(value, choice)) {
            *out = choice;
            return true;
        }
    }
    buf_puts(why, "must be one of ");
    for (const char *c = st->one_of; *c != '\0'; c++)
        if (*c == '|')
            buf_puts(why, ", ");
        else
            buf_putc(why, *c);
    return false;
}

/* Comma-separated, trimmed; empty parts are left out. */
static void parse_list(arena *a, str value, const char *const **out)
{
    const char **list;
    size_t n = 1;
    str rest = value, part;

    for (size_t i = 0; i < value.len; i++)
        n += value.p[i] == ',';
    list = arena_array(a, const char *, n + 1);
    n = 0;
    while (str_next(&rest, ',', &part)) {
        part = str_trim(part);
        if (part.len > 0)
            list[n++] = str_dup(a, part);
    }
    *out = list;
}

bool settings_parse(arena *a, const setting *st, str value, void *slot, buf *why)
{
    switch (st->kind) {
    case SETTING_TEXT:
        return parse_text(a, st, value, slot, why);
    case SETTING_INT:
        return parse_int(st, value, slot, why);
    case SETTING_NUMBER:
        return parse_number(st, value, slot, why);
    case SETTING_BOOL:
        if (parse_bool(value, slot))
            return true;
        buf_puts(why, "must be yes or no");
        return false;
    case SETTING_LIST:
        parse_list(a, value, slot);
        return true;
    }
    return false;
}
