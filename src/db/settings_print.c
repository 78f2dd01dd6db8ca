/* SPDX-License-Identifier: MIT */
/* The settings as people read them: `sluice config` and docs/settings.md. */
#include "db/settings_internal.h"

/* "postgres://user:***@host/name" */
static void put_url(buf *out, const char *url)
{
    const char *host = strstr(url, "://"), *at = host != NULL ? strrchr(host, '@') : NULL, *colon;

    host = host != NULL ? host + 3 : url;
    colon = at != NULL ? memchr(host, ':', (size_t)(at - host)) : NULL;
    if (colon == NULL)
        buf_puts(out, url);
    else
        buf_printf(out, "%.*s:***%s", (int)(colon - url), url, at);
}

static void put_value(buf *out, const setting *st, const char *value)
{
    if (st->unit == SECRET)
        buf_puts(out, *value != '\0' ? "(set)" : "");
    else if (st->unit == ADDRESS_URL)
        put_url(out, value);
    else
        buf_puts(out, value);
}

void settings_print(buf *out)
{
    for (size_t i = 0; i < settings_count; i++) {
        buf line = BUF_INIT(KIB(64));

        buf_printf(&line, "%s = ", settings_table[i].name);
        put_value(&line, &settings_table[i], settings_raw(i));
        buf_printf(out, "%-60s # %s\n", buf_str(&line), settings_source(i));
        buf_close(&line);
    }
}

/* A '|' would end the cell. */
static void put_cell(buf *out, const char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '|')
            buf_puts(out, "\\|");
        else
            buf_putc(out, *text);
}

static void put_limit(buf *out, const setting *st, double limit)
{
    if (st->unit == DURATION)
        buf_printf(out, "%.15g s", limit);
    else
        buf_printf(out, "%.15g", limit);
}

static void put_range(buf *out, const setting *st)
{
    static const char *const kinds[] = {"text", "whole number", "number", "yes or no", "list, apart by commas"};
    const char *kind = kinds[st->kind];

    if (st->one_of != NULL) {
        put_cell(out, st->one_of);
        return;
    }
    if (st->unit == BYTES)
        kind = "size (`32M`)";
    else if (st->unit == DURATION)
        kind = "time (`30s`, `10m`, `1h`)";
    else if (st->unit == SECRET)
        kind = "secret";
    buf_puts(out, kind);
    if (st->min == 0 && st->max == 0)
        return;
    buf_puts(out, ", ");
    put_limit(out, st, st->min);
    if (st->max < st->min) {
        buf_puts(out, " or more");
        return;
    }
    buf_puts(out, " to ");
    put_limit(out, st, st->max);
}

static void put_environment(buf *out, const setting *st)
{
    str aliases = str_of(st->aliases), alias, name;

    buf_putc(out, '`');
    settings_env_name(st->name, out);
    buf_putc(out, '`');
    while (str_next(&aliases, ' ', &alias))
        if (str_next(&alias, ':', &name) && name.len > 0)
            buf_printf(out, ", `%.*s`", STR_ARG(name));
}

void settings_manual(buf *out)
{
    buf_puts(
        out,
        "# Settings\n\n"
        "<!-- Made by `sluice config --markdown` from src/db/settings_table.c; a test keeps the two the same. -->\n\n"
        "Each setting can be given on the command line (`sluice serve --http.max_body=32M`), in the environment, or "
        "as\n"
        "a line `name = value` in the configuration file, which is `sluice.conf` in the data directory or the file "
        "named\n"
        "by `--config`. The first of these counts, then the default. A line of the file that begins with `#` is a "
        "comment.\n"
        "An environment variable that is empty counts as not set. `sluice config` shows what is in force and where "
        "each\n"
        "value comes from.\n\n"
        "| Setting | Values | Default | Meaning | Environment |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < settings_count; i++) {
        const setting *st = &settings_table[i];

        buf_printf(out, "| `%s` | ", st->name);
        put_range(out, st);
        buf_puts(out, " | ");
        if (st->def != NULL)
            buf_printf(out, "`%s`", st->def);
        buf_puts(out, " | ");
        put_cell(out, st->text);
        buf_puts(out, " | ");
        put_environment(out, st);
        buf_puts(out, " |\n");
    }
}
