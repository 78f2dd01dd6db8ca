/* SPDX-License-Identifier: MIT */
/*
 * What a script returns: the value, and files, whose bytes go to temporary files that live as long as the caller's scope.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "rt/offload.h"
#include "script/internal.h"

enum { NAME_MAX_BYTES = 255, MIME_MAX_BYTES = 127 };
#define ABOUT_MAX KIB(64) /* what is said about a file */

typedef struct {
    char path[512];
    str bytes;
    bool written;
} keeping;

/* On a thread of the pool. */
static void keep_bytes(void *arg)
{
    keeping *k = arg;
    size_t at = 0;
    int fd = mkstemp(k->path);

    while (fd >= 0 && at < k->bytes.len) {
        ssize_t n = write(fd, k->bytes.p + at, k->bytes.len - at);

        if (n < 0 && errno != EINTR)
            break;
        at += n > 0 ? (size_t)n : 0;
    }
    k->written = fd >= 0 && close(fd) == 0 && at == k->bytes.len;
    if (fd >= 0 && !k->written)
        unlink(k->path);
}

static void delete_file(void *path)
{
    unlink(path);
}

/* ISO 8601 as Date.toISOString() writes it; now when it is something else. */
static int64_t time_of(const char *iso)
{
    struct tm t = {0};
    int ms = 0;

    if (iso == NULL || sscanf(iso, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour,
                              &t.tm_min, &t.tm_sec, &ms) < 6)
        return clock_wall();
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    return (int64_t)timegm(&t) * 1000000 + ms * 1000;
}

/* A name without directories. */
static bool is_file_name(const char *name)
{
    if (name == NULL || *name == '\0' || strlen(name) > NAME_MAX_BYTES || cstr_eq(name, ".") || cstr_eq(name, ".."))
        return false;
    for (; *name != '\0'; name++)
        if (iscntrl((unsigned char)*name) || *name == '/' || *name == '\\')
            return false;
    return true;
}

static const char *mime_of(const json_t *about)
{
    const char *mime = json_get_str(about, "mime", "");
    size_t len = strlen(mime);

    for (size_t i = 0; i < len; i++)
        if (!isprint((unsigned char)mime[i]))
            len = 0;
    return len > 0 && len <= MIME_MAX_BYTES ? mime : "application/octet-stream";
}

static err keep(script_exec *x, const script_frame *f, json_t *about)
{
    script_output_file *file = &x->files[x->n_files];
    const char *directory = getenv("TMPDIR"), *name = json_get_str(about, "name", NULL);
    keeping k = {.bytes = f->bytes};
    err e;

    snprintf(k.path, sizeof k.path, "%s/sluice-file-XXXXXX",
             directory != NULL && *directory == '/' ? directory : "/tmp");
    e = offload(x->s, keep_bytes, &k);
    if (e != OK && k.written) /* the run's time ended meanwhile */
        unlink(k.path);
    TRY(e);
    if (!k.written)
        return fail(x->caller, ERR_IO, "a file of a script cannot be kept: no room for temporary files");
    *file = (script_output_file){
        .name = arena_strdup(x->caller->arena, name),
        .mime = arena_strdup(x->caller->arena, mime_of(about)),
        .path = arena_strdup(x->caller->arena, k.path),
        .size = (int64_t)f->bytes.len,
        .modified = time_of(json_get_str(about, "modified", NULL)),
    };
    scope_defer(x->caller, delete_file, (void *)(uintptr_t)file->path);
    x->places[x->n_files++] = json_get_arr(about, "at");
    return OK;
}

err output_file(script_exec *x, const script_frame *f, const char **problem)
{
    arena *a = x->s->arena;
    json_t *about;

    *problem = NULL;
    if (x->files == NULL) {
        x->files = arena_array(x->caller->arena, script_output_file, SCRIPT_FILES_MAX);
        x->places = arena_array(a, json_t *, SCRIPT_FILES_MAX);
    }
    x->file_bytes += f->bytes.len;
    if (x->n_files >= SCRIPT_FILES_MAX || x->file_bytes > SCRIPT_FILES_BYTES)
        *problem = "The script returned more than 20 files or 100 MB of files";
    else if (f->json.len > ABOUT_MAX || json_parse(a, f->json.p, f->json.len, NULL, &about) != OK ||
             json_get_arr(about, "at") == NULL || !is_file_name(json_get_str(about, "name", NULL)))
        *problem = "The script returned a file without a proper name";
    return *problem == NULL ? keep(x, f, about) : OK;
}

/* The object in `value` that stands for a file. */
static json_t *follow(json_t *value, const json_t *path)
{
    for (size_t i = 0; i < json_array_size(path) && value != NULL; i++) {
        const json_t *step = json_array_get(path, i);

        if (json_is_string(step))
            value = json_object_get(value, json_string_value(step));
        else
            value = json_is_integer(step) && json_integer_value(step) >= 0
                        ? json_array_get(value, (size_t)json_integer_value(step))
                        : NULL;
    }
    return json_is_object(value) ? value : NULL;
}

/* What the process says it took; anything but a time that can be is 0. */
static int64_t duration_of(const json_t *done)
{
    double ms = json_get_num(done, "ms", 0);

    return ms > 0 && ms < 1e9 ? (int64_t)(ms * 1e6) : 0;
}

/* A large value keeps a thread of the pool busy instead of the loop. */
enum { PARSE_INLINE_MAX = 128 << 10 };

typedef struct {
    arena *a; /* nobody else's */
    str text;
    json_fault fault;
    json_t *value;
    bool good;
} parsing;

static void parse(void *arg)
{
    parsing *p = arg;

    p->good = json_parse(p->a, p->text.p, p->text.len, &p->fault, &p->value) == OK;
}

static const char *take_value(script_exec *x, const json_t *done)
{
    json_t *value = json_object_get(done, "value");

    if (value == NULL)
        return "The script returned a value that cannot be taken: it is not there";
    for (size_t i = 0; i < x->n_files; i++)
        if ((x->files[i].at = follow(value, x->places[i])) == NULL)
            return "The script returned a value that cannot be taken: a file has no place in it";
    x->out->value = value;
    x->out->files = x->files;
    x->out->n_files = x->n_files;
    x->out->duration = duration_of(done);
    return NULL;
}

err output_value(script_exec *x, str json, const char **problem)
{
    parsing p = {.a = arena_new(x->caller->arena), .text = json};

    if (json.len > SCRIPT_RESULT_MAX + SCRIPT_RESULT_MAX / 8 + KIB(1)) {
        *problem = "The script returned too much (the limit is 10 MB)";
        return OK;
    }
    if (json.len > PARSE_INLINE_MAX)
        TRY(offload(x->s, parse, &p));
    else
        parse(&p);
    *problem =
        p.good ? take_value(x, p.value)
               : arena_printf(x->caller->arena, "The script returned a value that cannot be taken: %s", p.fault.reason);
    return OK;
}
