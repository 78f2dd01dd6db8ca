/* SPDX-License-Identifier: MIT */
/* Reading the settings from their sources, the first that has one counts; see settings.h. */
#include "db/settings.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "db/settings_internal.h"

enum { FILE_MAX = 1 << 20, SETTINGS_MAX = 128 };

/* What is known about one setting while sources are read. */
typedef struct {
    const char *value; /* NULL: no source has it yet */
    const char *source;
    bool line_of_file; /* the file has it, whether or not that counts */
} found;

static arena *memory;
static struct settings loaded;
static found chosen[SETTINGS_MAX];

typedef struct {
    arena *a;
    struct settings into;
    found all[SETTINGS_MAX];
    char *why;
    size_t why_size;
} loading;

/* ---- what is wrong ---- */

static err refuse(loading *l, err e, const char *format, ...) PRINTF(3, 4);

static err refuse(loading *l, err e, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(l->why, l->why_size, format, args);
    va_end(args);
    return e;
}

static ptrdiff_t index_of(str name)
{
    for (size_t i = 0; i < settings_count; i++)
        if (str_is(name, settings_table[i].name))
            return (ptrdiff_t)i;
    return -1;
}

/* How many letters differ, up to a small number: to guess what was meant. */
static size_t distance(str a, const char *b)
{
    size_t row[64], len = strlen(b);

    if (a.len >= COUNT(row) || len >= COUNT(row))
        return SIZE_MAX;
    for (size_t j = 0; j <= len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= len; j++) {
            size_t above = row[j], swap = diagonal + (a.p[i - 1] != b[j - 1]);

            row[j] = MIN_OF(swap, MIN_OF(above, row[j - 1]) + 1);
            diagonal = above;
        }
    }
    return row[len];
}

static err unknown(loading *l, const char *source, str name)
{
    const char *near = NULL;
    size_t best = 4;

    for (size_t i = 0; i < settings_count; i++) {
        size_t d = distance(name, settings_table[i].name);

        if (d < best) {
            best = d;
            near = settings_table[i].name;
        }
    }
    if (near != NULL)
        return refuse(l, ERR_INVALID, "%s: there is no setting \"%.*s\"; did you mean %s?", source, STR_ARG(name),
                      near);
    return refuse(l, ERR_INVALID, "%s: there is no setting \"%.*s\"", source, STR_ARG(name));
}

/* ---- sources, the strongest first ---- */

static void offer(loading *l, size_t i, const char *value, const char *source)
{
    if (l->all[i].value != NULL)
        return;
    l->all[i].value = value;
    l->all[i].source = source;
}

static err read_flags(loading *l, const settings_sources *from)
{
    for (size_t i = from->n_flags; i > 0; i--) {
        const setting_given *f = &from->flags[i - 1];
        ptrdiff_t at = index_of(str_of(f->name));

        if (at < 0)
            return unknown(l, "command line", str_of(f->name));
        offer(l, (size_t)at, f->value, arena_printf(l->a, "--%s", f->name));
    }
    return OK;
}

void settings_env_name(const char *name, buf *out)
{
    buf_puts(out, "SLUICE_");
    for (; *name != '\0'; name++)
        buf_putc(out, *name == '.' ? '_' : (char)toupper((unsigned char)*name));
}

/* The value of a variable, NULL when it is unset or empty. */
static const char *env_value(char *const *env, str name)
{
    for (; env != NULL && *env != NULL; env++)
        if (strncmp(*env, name.p, name.len) == 0 && (*env)[name.len] == '=')
            return (*env)[name.len + 1] != '\0' ? *env + name.len + 1 : NULL;
    return NULL;
}

static bool is_bare_number(const char *s)
{
    return *s != '\0' && strspn(s, "0123456789.") == strlen(s);
}

/* `alias` is "NAME" or "NAME:unit". */
static void read_alias(loading *l, char *const *env, size_t i, str alias)
{
    str unit = alias, name;
    const char *value;

    if (!str_next(&unit, ':', &name) || name.len == 0 || (value = env_value(env, name)) == NULL)
        return;
    if (unit.len > 0 && unit.p != NULL && is_bare_number(value))
        value = arena_printf(l->a, "%s%.*s", value, STR_ARG(unit));
    offer(l, i, arena_strdup(l->a, value), arena_printf(l->a, "environment %.*s", STR_ARG(name)));
}

static void read_environment(loading *l, char *const *env)
{
    for (size_t i = 0; i < settings_count; i++) {
        buf name = BUF_INIT(256);
        str aliases = str_of(settings_table[i].aliases), alias;

        settings_env_name(settings_table[i].name, &name);
        read_alias(l, env, i, str_of(buf_str(&name)));
        buf_close(&name);
        while (str_next(&aliases, ' ', &alias))
            read_alias(l, env, i, alias);
    }
}

static err read_line(loading *l, const char *file, int number, str line)
{
    const char *source = arena_printf(l->a, "%s:%d", file, number);
    str rest = str_trim(line), name;
    ptrdiff_t at;

    if (rest.len == 0 || rest.p[0] == '#')
        return OK;
    if (memchr(rest.p, '=', rest.len) == NULL)
        return refuse(l, ERR_INVALID, "%s: a line is \"name = value\"", source);
    if (!str_next(&rest, '=', &name))
        rest = (str){"", 0};
    name = str_trim(name);
    at = index_of(name);
    if (at < 0)
        return unknown(l, source, name);
    if (l->into.data != NULL && str_is(name, "data"))
        return refuse(l, ERR_INVALID, "%s: data cannot be set in the file that is found by it; use --data or --config",
                      source);
    if (l->all[at].line_of_file)
        return refuse(l, ERR_INVALID, "%s: %s is set twice", source, settings_table[at].name);
    l->all[at].line_of_file = true;
    offer(l, (size_t)at, str_dup(l->a, str_trim(rest)), source);
    return OK;
}

/* The text of a file; ERR_NOT_FOUND when there is none. */
static err read_text(loading *l, const char *path, str *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    buf *text = buf_new(l->a, FILE_MAX);
    char piece[4096];
    ssize_t got;

    if (fd < 0)
        return refuse(l, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot read %s: %s", path, strerror(errno));
    while ((got = read(fd, piece, sizeof piece)) > 0 && buf_ok(text))
        buf_add(text, piece, (size_t)got);
    close(fd);
    if (got < 0)
        return refuse(l, ERR_IO, "cannot read %s: %s", path, strerror(errno));
    *out = (str){buf_str(text), text->len};
    if (!buf_ok(text) || memchr(out->p, '\0', out->len) != NULL || !utf8_valid(out->p, out->len))
        return refuse(l, ERR_INVALID, "%s is not a configuration file", path);
    return OK;
}

static err read_file(loading *l, const char *path, bool must_exist)
{
    str text, line;
    err e = read_text(l, path, &text);

    if (e == ERR_NOT_FOUND)
        return must_exist ? ERR_IO : OK;
    for (int number = 1; e == OK && str_next(&text, '\n', &line); number++)
        e = read_line(l, path, number, line);
    return e;
}

/* ---- from texts to values ---- */

/* The default, with the data directory filled in. */
static const char *default_of(loading *l, const setting *st)
{
    const char *mark = st->def != NULL ? strstr(st->def, "{data}") : NULL;

    if (mark == NULL)
        return st->def != NULL ? st->def : "";
    return arena_printf(l->a, "%.*s%s%s", (int)(mark - st->def), st->def, l->into.data, mark + strlen("{data}"));
}

static err take(loading *l, size_t i)
{
    const setting *st = &settings_table[i];
    found *f = &l->all[i];
    buf why = BUF_INIT(512);
    bool fits;

    if (f->value == NULL)
        offer(l, i, default_of(l, st), "default");
    fits = settings_parse(l->a, st, str_trim(str_of(f->value)), (char *)&l->into + st->at, &why);
    if (!fits)
        (void)refuse(l, ERR_INVALID, "%s: %s %s", f->source, st->name, buf_str(&why));
    buf_close(&why);
    return fits ? OK : ERR_INVALID;
}

/* The data directory is asked for first: others depend on it, the file among them. */
static err take_data(loading *l)
{
    ptrdiff_t at = index_of(STR("data"));

    TRY(take(l, (size_t)at));
    if (*l->into.data == '\0')
        return refuse(l, ERR_INVALID, "%s: data must name a directory", l->all[at].source);
    return OK;
}

static err read_config(loading *l, const char *named)
{
    if (named != NULL) {
        TRY(read_file(l, named, true));
        return take_data(l);
    }
    TRY(take_data(l));
    return read_file(l, arena_printf(l->a, "%s/sluice.conf", l->into.data), false);
}

static bool holds(const char *const *list, const char *value)
{
    for (; *list != NULL; list++)
        if (cstr_eq(*list, value))
            return true;
    return false;
}

/* What no single setting shows. */
static err check_together(loading *l)
{
    const struct settings *s = &l->into;

    if (s->cors_credentials && holds(s->cors_origins, "*"))
        return refuse(l, ERR_INVALID, "cors.credentials cannot be on while cors.origins is *: list the origins");
    if (*s->secret_key != '\0' && strlen(s->secret_key) < 16)
        return refuse(l, ERR_INVALID, "%s: secret_key must have at least 16 characters",
                      l->all[index_of(STR("secret_key"))].source);
    if (cstr_eq(s->session_cookie_same_site, "none") && !s->session_cookie_secure)
        return refuse(l, ERR_INVALID, "session.cookie_same_site = none needs session.cookie_secure");
    return OK;
}

static err load(loading *l, const settings_sources *from)
{
    TRY(read_flags(l, from));
    read_environment(l, from->env);
    TRY(read_config(l, from->config));
    for (size_t i = 0; i < settings_count; i++)
        TRY(take(l, i));
    return check_together(l);
}

err settings_load(const settings_sources *from, char *why, size_t why_size)
{
    loading *l;
    arena *a = arena_new(NULL);
    err e;

    assert(settings_count <= SETTINGS_MAX);
    l = arena_one(a, loading);
    l->a = a;
    l->why = why;
    l->why_size = why_size;
    e = load(l, from);
    if (e != OK) {
        arena_free(a);
        return e;
    }
    loaded = l->into;
    memcpy(chosen, l->all, sizeof chosen);
    arena_free(memory);
    memory = a;
    return OK;
}

/* ---- asking ---- */

static void load_defaults(void)
{
    char why[256];
    settings_sources none = {.config = "/dev/null"};

    if (settings_load(&none, why, sizeof why) != OK) {
        log_error("settings", log_str("fault", why));
        abort();
    }
}

const struct settings *settings_get(void)
{
    if (memory == NULL)
        load_defaults();
    return &loaded;
}

bool settings_given(const char *name)
{
    ptrdiff_t at = index_of(str_of(name));

    return at >= 0 && !cstr_eq(settings_source((size_t)at), "default");
}

const char *settings_source(size_t i)
{
    settings_get();
    return chosen[i].source;
}

const char *settings_raw(size_t i)
{
    settings_get();
    return chosen[i].value;
}

bool settings_name_at(size_t i, const char **name, bool *flag)
{
    if (i >= settings_count)
        return false;
    *name = settings_table[i].name;
    *flag = settings_table[i].kind == SETTING_BOOL;
    return true;
}
