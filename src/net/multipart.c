/* SPDX-License-Identifier: MIT */
/*
 * Reading the parts of a form as they arrive; see multipart.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/multipart_internal.h"
#include "rt/offload.h"

enum { INPUT = 16384, FILE_PIECE = 65536, BOUNDARY_MAX = 70 };

struct multipart {
    request *rq;
    multipart_parser *parser;
    char *in; /* INPUT bytes from the body; [at, len) are not yet parsed */
    size_t at, len;
    buf data;                    /* of the current part, not yet read */
    const http_headers *headers; /* of the part that has just begun */
    bool begun, open, body_ended;
};

/* ---- events of the parser ---- */

static void on_part(void *arg, const http_headers *headers)
{
    multipart *m = arg;
    arena *a = m->rq->scope->arena;
    http_headers *copy = arena_one(a, http_headers); /* the parser forgets its own at the next part */

    for (size_t i = 0; i < headers->count; i++)
        http_headers_add(a, copy, arena_strdup(a, headers->items[i].name), arena_strdup(a, headers->items[i].value));
    m->headers = copy;
    m->begun = m->open = true;
}

static void on_data(void *arg, const char *bytes, size_t len)
{
    multipart *m = arg;

    buf_add(&m->data, bytes, len);
}

static void on_part_end(void *arg)
{
    multipart *m = arg;

    m->open = false;
}

/* ---- opening ---- */

/* RFC 2046 section 5.1.1. */
static bool is_boundary(const char *b)
{
    size_t len = b != NULL ? strlen(b) : 0;

    if (len == 0 || len > BOUNDARY_MAX || b[len - 1] == ' ')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!((b[i] >= '0' && b[i] <= '9') || ((b[i] | 32) >= 'a' && (b[i] | 32) <= 'z') ||
              strchr("'()+_,-./:=? ", b[i]) != NULL))
            return false;
    return true;
}

static void close_data(void *arg)
{
    multipart *m = arg;

    buf_close(&m->data);
}

err multipart_open(request *rq, multipart **out)
{
    static const multipart_events events = {on_part, on_data, on_part_end};
    arena *a = rq->scope->arena;
    const char *type = request_header(rq, "Content-Type"), *boundary;
    multipart *m;

    if (type == NULL || strcmp(http_media_type(a, type), "multipart/form-data") != 0)
        return fail(rq->scope, ERR_INVALID, "the body must be multipart/form-data");
    boundary = http_param(a, type, "boundary");
    if (!is_boundary(boundary))
        return fail(rq->scope, ERR_INVALID, "the multipart boundary is missing or malformed");
    m = arena_one(a, multipart);
    m->rq = rq;
    m->in = arena_alloc(a, INPUT);
    m->data = BUF_INIT(KIB(64)); /* one step gives no more than INPUT and a held back delimiter */
    arena_defer(a, close_data, m);
    m->parser = multipart_parser_new(a, boundary, &events, m);
    *out = m;
    return OK;
}

/* ---- moving on ---- */

/* One step of the parser, with bytes from the body when none are left.  Parks. */
static err advance(multipart *m)
{
    const char *why = "malformed multipart body";
    size_t used;
    err e;

    if (m->at == m->len) {
        m->at = 0;
        TRY(request_body_read(m->rq, m->in, INPUT, &m->len));
    }
    if (m->len == 0) {
        m->body_ended = true;
        if (!multipart_complete(m->parser))
            return fail(m->rq->scope, ERR_INVALID, "the multipart body ends early");
        return OK;
    }
    e = multipart_step(m->parser, m->in + m->at, m->len - m->at, &used, &why);
    if (e != OK)
        return fail(m->rq->scope, e, "%s", why);
    m->at += used;
    return OK;
}

/* The name as a plain file name in UTF-8; never empty, never a path. */
static const char *clean_filename(const char *sent)
{
    const char *last = sent;

    if (!utf8_valid(sent, strlen(sent)))
        return "file";
    for (const char *p = sent; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return "file";
        if (*p == '/' || *p == '\\')
            last = p + 1;
    }
    return *last == '\0' || strcmp(last, ".") == 0 || strcmp(last, "..") == 0 ? "file" : last;
}

/* RFC 5987 section 3.2: charset'language'percent-encoded; only UTF-8 is spoken. */
static const char *extended_filename(arena *a, const char *value)
{
    str rest = str_of(value), charset = STR(""), language = STR("");
    char *text;

    if (value == NULL || !str_next(&rest, '\'', &charset) || !str_next(&rest, '\'', &language) || rest.p == NULL)
        return NULL;
    if (!str_is_nocase(charset, "utf-8") || !percent_decode(a, rest, false, &text))
        return NULL;
    return text;
}

static err describe_part(multipart *m, part *out)
{
    arena *a = m->rq->scope->arena;
    const char *disposition = http_headers_get(m->headers, "Content-Disposition");
    const char *type = http_headers_get(m->headers, "Content-Type"), *filename;

    *out = (part){.type = type != NULL ? type : "text/plain"};
    if (disposition == NULL || strcmp(http_media_type(a, disposition), "form-data") != 0)
        return fail(m->rq->scope, ERR_INVALID, "a part is not form-data");
    out->name = http_param(a, disposition, "name");
    if (out->name == NULL || !utf8_valid(out->name, strlen(out->name)))
        return fail(m->rq->scope, ERR_INVALID, "a part has no name");
    filename = extended_filename(a, http_param(a, disposition, "filename*"));
    if (filename == NULL)
        filename = http_param(a, disposition, "filename");
    if (filename != NULL)
        out->filename = clean_filename(filename);
    return OK;
}

err multipart_next(multipart *m, part *out, bool *found)
{
    while (m->open) {
        buf_reset(&m->data);
        TRY(advance(m));
    }
    buf_reset(&m->data);
    m->begun = false;
    while (!m->begun && !m->body_ended)
        TRY(advance(m));
    *found = m->begun;
    return m->begun ? describe_part(m, out) : OK;
}

/* ---- the current part ---- */

/* Parks until there is data or the part has ended. */
static err wait_for_data(multipart *m)
{
    while (m->data.len == 0 && m->open)
        TRY(advance(m));
    return OK;
}

err multipart_read(multipart *m, void *bytes, size_t cap, size_t *len)
{
    TRY(wait_for_data(m));
    *len = MIN_OF(cap, m->data.len);
    if (*len > 0)
        memcpy(bytes, m->data.data, *len);
    buf_consume(&m->data, *len);
    return OK;
}

static err collect(multipart *m, size_t max, buf *all)
{
    for (;;) {
        TRY(wait_for_data(m));
        if (m->data.len == 0)
            return OK;
        if (m->data.len > max - all->len)
            return fail(m->rq->scope, ERR_TOO_LARGE, "a form field is larger than %zu bytes", max);
        buf_add(all, m->data.data, m->data.len);
        buf_reset(&m->data);
    }
}

err multipart_text(multipart *m, size_t max, str *out)
{
    buf all = BUF_INIT(max);
    err e = collect(m, max, &all);

    if (e == OK)
        *out = (str){arena_strndup(m->rq->scope->arena, buf_str(&all), all.len), all.len};
    buf_close(&all);
    return e;
}

/* ---- to a file ---- */

typedef struct {
    const char *path;
    int fd, error;
    const char *bytes;
    size_t len;
} write_piece_job;

static void create_file(void *arg)
{
    write_piece_job *j = arg;

    j->fd = open(j->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    j->error = j->fd < 0 ? errno : 0;
}

static void write_piece(void *arg)
{
    write_piece_job *j = arg;

    for (size_t done = 0; done < j->len;) {
        ssize_t n = write(j->fd, j->bytes + done, j->len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            j->error = errno;
            return;
        }
        done += (size_t)n;
    }
}

static err file_error(scope *s, int error)
{
    if (error == ENOSPC || error == EDQUOT)
        return fail(s, ERR_NO_SPACE, "no space left for the upload");
    if (error == EEXIST)
        return fail(s, ERR_CONFLICT, "the file exists already");
    return fail(s, ERR_IO, "the upload cannot be stored: %s", strerror(error));
}

/* Gathers a piece, then writes it; *n is 0 at the end of the part. */
static err copy_piece(multipart *m, write_piece_job *j, char *piece, size_t *n)
{
    scope *s = m->rq->scope;
    size_t len;

    *n = 0;
    do {
        TRY(multipart_read(m, piece + *n, FILE_PIECE - *n, &len));
        *n += len;
    } while (len > 0 && *n < FILE_PIECE);
    j->bytes = piece;
    j->len = *n;
    if (*n > 0)
        TRY(offload(s, write_piece, j));
    return j->error == 0 ? OK : file_error(s, j->error);
}

static err copy_part(multipart *m, write_piece_job *j, int64_t max, int64_t *size)
{
    char *piece = mem_alloc(FILE_PIECE);
    int64_t all = 0;
    size_t n;
    err e;

    while ((e = copy_piece(m, j, piece, &n)) == OK && n > 0) {
        all += (int64_t)n;
        if (all > max) {
            e = fail(m->rq->scope, ERR_TOO_LARGE, "the file is larger than %lld bytes", (long long)max);
            break;
        }
    }
    free(piece);
    if (e == OK)
        *size = all;
    return e;
}

err multipart_to_file(multipart *m, const char *path, int64_t max, int64_t *size)
{
    scope *s = m->rq->scope;
    write_piece_job j = {.path = path, .fd = -1};
    err e;

    e = offload(s, create_file, &j);
    if (e == OK && j.error != 0)
        return file_error(s, j.error);
    if (e == OK)
        e = copy_part(m, &j, max, size);
    if (j.fd < 0)
        return e;
    if (close(j.fd) != 0 && e == OK)
        e = file_error(s, errno);
    if (e != OK)
        unlink(path);
    return e;
}
