/* SPDX-License-Identifier: MIT */
#include "tool/image_fit.h"

#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "rt/loop.h"
#include "rt/offload.h"
#include "rt/proc.h"
#include "rt/sem.h"
#include "tool/image_facts.h"
#include "tool/sandbox.h"

enum { HASH_SIZE = 16, HEAD_CHARS = 64 << 10, KEPT = 16, KEPT_BYTES = 8 << 20 };
#define CONVERT_LIMIT SECONDS(20)
#define POINTS_MAX 100000000 /* what takes more memory than the program gets is not tried */

/* What is made of an image that is seen again: conversations send theirs with each request. */
typedef struct {
    unsigned char hash[HASH_SIZE]; /* of the URL */
    char *url;                     /* NULL: nothing can be made of it, or the place is free */
    uint64_t used;                 /* 0: the place is free */
} kept_image;

/* A loop's. */
typedef struct {
    bool made;
    sem one_at_a_time;
    kept_image kept[KEPT];
    size_t bytes;
    uint64_t clock;
} fitter;

static fitter fitters[LOOPS_MAX];

static void forget(fitter *f, kept_image *k)
{
    if (k->url != NULL)
        f->bytes -= strlen(k->url);
    free(k->url);
    *k = (kept_image){0};
}

static void on_loop_ends(void *arg)
{
    fitter *f = arg;

    for (size_t i = 0; i < KEPT; i++)
        forget(f, &f->kept[i]);
    *f = (fitter){0};
}

static fitter *fitter_here(void)
{
    loop *l = loop_self();
    fitter *f = &fitters[loop_index(l)];

    if (!f->made) {
        f->made = true;
        sem_setup(&f->one_at_a_time, 1);
        scope_defer(loop_root(l), on_loop_ends, f);
    }
    return f;
}

static kept_image *find_kept(fitter *f, const unsigned char hash[HASH_SIZE])
{
    for (size_t i = 0; i < KEPT; i++)
        if (f->kept[i].used != 0 && memcmp(f->kept[i].hash, hash, HASH_SIZE) == 0) {
            f->kept[i].used = ++f->clock;
            return &f->kept[i];
        }
    return NULL;
}

/* A free place if there is one; with `in_memory` only those that take some. */
static kept_image *longest_unused(fitter *f, bool in_memory)
{
    kept_image *oldest = NULL;

    for (size_t i = 0; i < KEPT; i++)
        if ((!in_memory || f->kept[i].url != NULL) && (oldest == NULL || f->kept[i].used < oldest->used))
            oldest = &f->kept[i];
    return oldest;
}

static void keep(fitter *f, const unsigned char hash[HASH_SIZE], const char *url)
{
    size_t len = url != NULL ? strlen(url) : 0;
    kept_image *k;

    if (len > KEPT_BYTES)
        return;
    while (f->bytes + len > KEPT_BYTES)
        forget(f, longest_unused(f, true));
    k = longest_unused(f, false);
    forget(f, k);
    *k = (kept_image){.url = url != NULL ? mem_strdup(url) : NULL, .used = ++f->clock};
    memcpy(k->hash, hash, HASH_SIZE);
    f->bytes += len;
}

/* ---- looking ---- */

static size_t decode(char *out, size_t cap, str base64)
{
    size_t len = 0;

    if (sodium_base642bin((unsigned char *)out, cap, base64.p, base64.len, "\r\n ", &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return 0;
    return len;
}

/* The base64 of a data URL with an image. */
static bool split(const char *url, str *base64)
{
    const char *comma = strncasecmp(url, "data:image/", 11) == 0 ? strchr(url, ',') : NULL;

    if (comma == NULL || comma - url < 7 || strncasecmp(comma - 7, ";base64", 7) != 0)
        return false;
    *base64 = str_of(comma + 1);
    return true;
}

static bool is_large(const image_facts *f, size_t bytes)
{
    return f->format != NULL && (bytes > IMAGE_SENT_MAX || MAX_OF(f->width, f->height) > IMAGE_EDGE_MAX);
}

/* Most images are small, which their beginning tells.  HEAD_CHARS is whole groups of four. */
static bool may_be_large(scope *s, str base64)
{
    str head = {base64.p, MIN_OF(base64.len, (size_t)HEAD_CHARS)};
    scope *own = scope_child(s, NO_LIMIT);
    char *bytes = arena_alloc(own->arena, HEAD_CHARS);
    image_facts f = image_look((str){bytes, decode(bytes, HEAD_CHARS, head)});
    bool unknown = f.width == 0 && head.len < base64.len;

    scope_close(own);
    return unknown || is_large(&f, base64.len / 4 * 3);
}

/* On a pool thread. */
typedef struct {
    const char *url;
    str base64;
    char *bytes; /* allocated */
    size_t len;
    image_facts facts;
    unsigned char hash[HASH_SIZE];
    bool available;
} inspection;

static void inspect(void *arg)
{
    inspection *in = arg;
    const char *why;

    in->bytes = mem_alloc(in->base64.len + 1);
    in->len = decode(in->bytes, in->base64.len + 1, in->base64);
    in->facts = image_look((str){in->bytes, in->len});
    crypto_generichash(in->hash, sizeof in->hash, (const unsigned char *)in->url, strlen(in->url), NULL, 0);
    in->available = image_fit_available(&why);
}

/* ---- making smaller ---- */

static const char *command(arena *a, const char *format, int edge, int quality)
{
    return arena_printf(a,
                        "exec gm convert -limit memory 256MB -limit map 256MB -limit disk 0 -limit threads 1"
                        " -size %dx%d '%s:-[0]' -auto-orient -background white -flatten -resize '%dx%d>'"
                        " -strip -quality %d jpeg:-",
                        edge, edge, format, edge, edge, quality);
}

/* Whether the same would come of it the next time: not when the box could not be made, nothing could be started in it, or it
 * was killed. */
static bool ended_by_itself(const proc_result *r)
{
    return r->status < 126 && !cstr_starts(buf_str(r->err), "bwrap:");
}

/* *out: NULL when the program did not make anything of it, and *lasting whether it never will. */
static err convert(scope *s, const inspection *in, int edge, int quality, const char **out, bool *lasting)
{
    static const char *const env[] = {"PATH=/usr/bin:/bin", "OMP_NUM_THREADS=1", NULL};
    static const char head[] = "data:image/jpeg;base64,";
    scope *own = scope_child(s, CONVERT_LIMIT);
    proc_spec spec = {.argv = sandbox_filter_argv(own->arena, command(own->arena, in->facts.format, edge, quality)),
                      .env = env};
    proc_result r;
    err e = proc_run(own, &spec, (str){in->bytes, in->len}, 2 * IMAGE_SENT_MAX, &r);

    *out = NULL;
    *lasting = e == OK && ended_by_itself(&r);
    if (e == OK && (r.status != 0 || r.truncated || r.out->len == 0))
        log_warn("image.not_fitted", log_str("said", buf_str(r.err)), log_int("status", r.status));
    else if (e == OK) {
        size_t room = sodium_base64_encoded_len(r.out->len, sodium_base64_VARIANT_ORIGINAL);
        char *url = arena_alloc(s->arena, sizeof head - 1 + room);

        memcpy(url, head, sizeof head - 1);
        sodium_bin2base64(url + sizeof head - 1, room, (const unsigned char *)buf_str(r.out), r.out->len,
                          sodium_base64_VARIANT_ORIGINAL);
        *out = url;
    }
    scope_close(own);
    return scope_check(s);
}

/* Once more when even that is much, as photographs of noise are. */
static err fit(scope *s, fitter *f, const inspection *in, const char **out)
{
    const kept_image *k;
    const char *smaller;
    bool lasting;
    err e;

    TRY(sem_take(s, &f->one_at_a_time));
    k = find_kept(f, in->hash); /* whoever was before us may have wanted the same */
    if (k != NULL) {
        *out = arena_strdup(s->arena, k->url);
        sem_give(&f->one_at_a_time);
        return OK;
    }
    e = convert(s, in, IMAGE_EDGE_MAX, 85, out, &lasting);
    if (e == OK && *out != NULL && strlen(*out) / 4 * 3 > IMAGE_SENT_MAX) {
        e = convert(s, in, 1024, 60, &smaller, &lasting);
        if (e == OK && smaller != NULL)
            *out = smaller; /* else the first is still better than what was sent */
    }
    if (e == OK && lasting)
        keep(f, in->hash, *out);
    sem_give(&f->one_at_a_time);
    return e;
}

err image_fit(scope *s, const char *url, const char **out)
{
    inspection in = {.url = url};
    const char *fitted = NULL;
    err e;

    *out = url;
    if (!split(url, &in.base64) || !may_be_large(s, in.base64))
        return OK;
    e = offload(s, inspect, &in);
    if (e == OK && in.available && is_large(&in.facts, in.len) &&
        (uint64_t)in.facts.width * in.facts.height <= POINTS_MAX)
        e = fit(s, fitter_here(), &in, &fitted);
    free(in.bytes);
    if (e == OK && fitted != NULL)
        *out = fitted;
    return e;
}

bool image_fit_available(const char **why)
{
    if (!tool_sandbox_available(why))
        return false;
    if (access("/usr/bin/gm", X_OK) == 0)
        return true;
    *why = "Install GraphicsMagick (apt install graphicsmagick)";
    return false;
}
