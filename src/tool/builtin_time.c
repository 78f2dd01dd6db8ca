/* SPDX-License-Identifier: MIT */
/*
 * get_current_time: what the clock says, in any time zone.
 *
 * The C library knows one zone a process, so another zone is asked of date(1) in a child that has it in its environment.
 */
#include "tool/internal.h"

#include <stdio.h>

#include "rt/proc.h"

/* A name of the zone database: nothing that could be a path elsewhere. */
static bool is_zone_name(const char *zone)
{
    size_t len = strlen(zone);

    return len > 0 && len < 64 && zone[0] != '/' && zone[0] != '.' && strstr(zone, "..") == NULL &&
           strspn(zone, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") == len;
}

/* date(1) takes anything else for UTC without a word.  The file is small and in the page cache. */
static bool zone_exists(scope *s, const char *zone)
{
    FILE *f = fopen(arena_printf(s->arena, "/usr/share/zoneinfo/%s", zone), "re");
    char magic[4] = "";
    bool ok;

    if (f == NULL)
        return cstr_eq(zone, "UTC");
    ok = fread(magic, 1, sizeof magic, f) == sizeof magic && memcmp(magic, "TZif", 4) == 0;
    fclose(f);
    return ok;
}

static err call_time(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    const char *zone = arg_str(args, "timezone", NULL);
    const char *env[] = {arena_printf(s->arena, "TZ=%s", cstr_blank(zone) ? "" : zone), "PATH=/usr/bin:/bin",
                         "LC_ALL=C", NULL};
    static const char *const argv[] = {"date", "+%Y-%m-%dT%H:%M:%S%:z|%A|%Z|%s", NULL};
    proc_spec spec = {.argv = argv, .env = cstr_blank(zone) ? env + 1 : env};
    proc_result r;
    str rest, iso, day, abbreviation;
    int64_t seconds;
    json_t *o;

    (void)t;
    (void)cx;
    if (!cstr_blank(zone) && (!is_zone_name(zone) || !zone_exists(s, zone)))
        return answer_json(
            s, tool_failure("INVALID_ARGUMENT", "Unknown time zone '%s'; use a name such as Europe/Berlin", zone), out);
    TRY(proc_run(s, &spec, (str){"", 0}, 256, &r));
    rest = str_trim((str){buf_str(r.out), r.out->len});
    if (r.status != 0 || !str_next(&rest, '|', &iso) || !str_next(&rest, '|', &day) ||
        !str_next(&rest, '|', &abbreviation) || !str_to_int(rest, &seconds))
        return fail(s, ERR_INTERNAL, "cannot read the clock");
    o = json_object();
    json_set_bool(o, "success", true);
    json_set_str(o, "status", "success");
    json_set_str(o, "current_time", str_dup(s->arena, iso));
    json_set_str(o, "weekday", str_dup(s->arena, day));
    json_set_str(o, "timezone", cstr_blank(zone) ? str_dup(s->arena, abbreviation) : zone);
    json_set_str(o, "abbreviation", str_dup(s->arena, abbreviation));
    json_set_int(o, "unix_time", seconds);
    return answer_json(s, o, out);
}

static const param params[] = {
    {"timezone", "string", "Name of a time zone, such as Asia/Shanghai; the server's own when left out"},
};

const builtin builtin_get_current_time = {
    .name = "get_current_time",
    .text = "Tells the current date, time and weekday.",
    PARAMS(params),
    .call = call_time,
    .timeout = SECONDS(15),
};
