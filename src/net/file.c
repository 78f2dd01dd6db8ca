/* SPDX-License-Identifier: MIT */
/*
 * Files as responses: read in pieces on the blocking pool, never whole, with one range and validators (RFC 9110 sections
 * 8.8, 13 and 14).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/server_internal.h"
#include "rt/offload.h"

enum { PIECE = 65536 };

/* What the pool thread does for us. */
typedef struct {
    const char *path; /* to be opened, when fd is -1 */
    int fd;
    int64_t at;
    size_t want, got;
    char *bytes;
    struct stat st;
    int error; /* errno */
} file_job;

typedef struct {
    int64_t from, count;
    bool partial;
} span;

static void open_file(void *arg)
{
    file_job *j = arg;

    j->fd = open(j->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a pipe must not hold us */
    if (j->fd < 0 || fstat(j->fd, &j->st) != 0)
        j->error = errno;
    else if (!S_ISREG(j->st.st_mode))
        j->error = ENOENT;
}

static void read_piece(void *arg)
{
    file_job *j = arg;

    j->got = 0;
    while (j->got < j->want) {
        ssize_t n = pread(j->fd, j->bytes + j->got, j->want - j->got, (off_t)(j->at + (int64_t)j->got));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            j->error = n < 0 ? errno : EIO; /* it became shorter */
            return;
        }
        j->got += (size_t)n;
    }
}

/* ---- headers ---- */

static bool is_attr_char(unsigned char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
           (c != '\0' && strchr("!#$&+-.^_`|~", c) != NULL);
}

/* A quoted name for old clients, and the exact one as in RFC 5987 when that differs. */
static const char *disposition(arena *a, const char *name)
{
    size_t len = strlen(name);
    char *plain = arena_strdup(a, name), *exact = arena_alloc(a, 3 * len + 1), *p = exact;
    static const char hex[] = "0123456789ABCDEF";
    bool differs = false;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)name[i];

        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') {
            plain[i] = '_';
            differs = true;
        }
        if (is_attr_char(c)) {
            *p++ = (char)c;
        } else {
            *p++ = '%';
            *p++ = hex[c >> 4];
            *p++ = hex[c & 15];
        }
    }
    *p = '\0';
    if (!differs)
        return arena_printf(a, "attachment; filename=\"%s\"", plain);
    return arena_printf(a, "attachment; filename=\"%s\"; filename*=UTF-8''%s", plain, exact);
}

static const char *entity_tag(arena *a, const struct stat *st)
{
    return arena_printf(a, "\"%llx-%llx-%llx\"", (unsigned long long)st->st_ino, (unsigned long long)st->st_size,
                        (unsigned long long)st->st_mtim.tv_sec * 1000000000ULL +
                            (unsigned long long)st->st_mtim.tv_nsec);
}

/* Weak comparison, as If-None-Match wants it. */
static bool tag_listed(const char *list, const char *tag)
{
    str rest = str_of(list), one;

    if (str_is(str_trim(rest), "*"))
        return true;
    while (str_next(&rest, ',', &one)) {
        one = str_trim(one);
        if (str_starts(one, "W/"))
            one = (str){one.p + 2, one.len - 2};
        if (str_is(one, tag))
            return true;
    }
    return false;
}

/* One range of bytes: false when it cannot be satisfied.  What is not one well-formed range is ignored, as the RFC says. */
static bool parse_range(const char *value, int64_t size, span *out)
{
    str s = str_of(value), first = STR("");
    int64_t from = 0, to = size - 1;

    if (!str_starts(s, "bytes=") || strchr(value, ',') != NULL)
        return true;
    s = (str){s.p + 6, s.len - 6};
    if (!str_next(&s, '-', &first) || s.p == NULL || (first.len == 0 && s.len == 0))
        return true;
    if ((first.len > 0 && (!str_to_int(first, &from) || from < 0)) || (s.len > 0 && (!str_to_int(s, &to) || to < 0)))
        return true;
    if (first.len == 0) { /* the last `to` bytes */
        from = to < size ? size - to : 0;
        if (to == 0)
            return false;
        to = size - 1;
    } else if (s.len > 0 && to < from) {
        return true;
    }
    if (from >= size)
        return false;
    *out = (span){from, MIN_OF(to, size - 1) - from + 1, true};
    return true;
}

static void put_last_modified(response *rs, const struct stat *st)
{
    char text[64];
    struct tm tm;

    gmtime_r(&st->st_mtim.tv_sec, &tm);
    strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    reply_header(rs, "Last-Modified", text);
}

/* ---- the body ---- */

static err send_pieces(response *rs, file_job *j, int64_t left)
{
    conn *c = rs->x->conn;
    scope *s = rs->x->rq.scope;

    while (left > 0) {
        j->want = (size_t)MIN_OF(left, (int64_t)PIECE);
        TRY(offload(s, read_piece, j));
        if (j->error != 0)
            return fail(s, ERR_IO, "reading the file failed: %s", strerror(j->error));
        out_add(c, j->bytes, j->got);
        j->at += (int64_t)j->got;
        left -= (int64_t)j->got;
        TRY(out_wait(c, s));
    }
    rs->done = true;
    return OK;
}

/* Answers 304 or 416 itself: *answered; else says which part is wanted. */
static err choose_part(response *rs, int status, const struct stat *st, span *part, bool *answered)
{
    const request *rq = &rs->x->rq;
    arena *a = rq->scope->arena;
    const char *tag = entity_tag(a, st), *range = request_header(rq, "Range"),
               *only_if = request_header(rq, "If-Range");
    const char *known = request_header(rq, "If-None-Match");

    *part = (span){0, st->st_size, false};
    if (status != 200 || (rq->method != GET && rq->method != HEAD))
        return OK;
    reply_header(rs, "ETag", tag);
    reply_header(rs, "Accept-Ranges", "bytes");
    put_last_modified(rs, st);
    if (known != NULL && tag_listed(known, tag)) {
        *answered = true;
        return reply_empty(rs, 304);
    }
    if (range == NULL || rq->method != GET || (only_if != NULL && strcmp(only_if, tag) != 0))
        return OK;
    if (!parse_range(range, st->st_size, part)) {
        *answered = true;
        reply_header(rs, "Content-Range", arena_printf(a, "bytes */%lld", (long long)st->st_size));
        return reply_empty(rs, 416);
    }
    if (part->partial)
        reply_header(rs, "Content-Range",
                     arena_printf(a, "bytes %lld-%lld/%lld", (long long)part->from,
                                  (long long)(part->from + part->count - 1), (long long)st->st_size));
    return OK;
}

static err send_file(response *rs, int status, const char *type, file_job *j)
{
    conn *c = rs->x->conn;
    buf *text = &c->w->scratch;
    bool answered = false;
    span part;
    err e;

    TRY(choose_part(rs, status, &j->st, &part, &answered));
    if (answered)
        return OK;
    response_head(rs, text, part.partial ? 206 : status, type, part.count);
    out_add(c, text->data, text->len);
    if (rs->framing != BODY_PLAIN) {
        rs->done = true;
        return OK;
    }
    j->at = part.from;
    j->bytes = mem_alloc(PIECE);
    e = send_pieces(rs, j, part.count);
    free(j->bytes);
    return e;
}

err reply_file(response *rs, int status, const char *type, const char *path, const char *name)
{
    scope *s = rs->x->rq.scope;
    file_job j = {.path = path, .fd = -1};
    err e;

    if (!response_can_begin(rs, status))
        return ERR_INTERNAL;
    e = offload(s, open_file, &j);
    if (e == OK && j.error != 0) {
        bool missing = j.error == ENOENT || j.error == ENOTDIR || j.error == ELOOP;

        e = fail(s, missing ? ERR_NOT_FOUND : ERR_IO, missing ? "there is no such file" : "the file cannot be read");
    }
    if (e == OK) {
        if (name != NULL)
            reply_header(rs, "Content-Disposition", disposition(s->arena, name));
        e = send_file(rs, status, type != NULL ? type : http_type_of_file(path), &j);
    }
    if (j.fd >= 0)
        close(j.fd);
    return e;
}
