/* SPDX-License-Identifier: MIT */
/*
 * Attachments: upload and delete (contracts/langdock.md section 6.5).  A file goes to disk as it arrives; what a machine would
 * run is refused by its first bytes or its name.
 */
#include "model/attachment.h"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include "auth/identity.h"
#include "auth/rules.h"
#include "face/langdock/agent_handlers.h"
#include "face/langdock/envelope.h"
#include "net/http.h"
#include "net/multipart.h"
#include "rt/offload.h"
#include "store/object.h"

enum { FILE_MAX = 256 << 20, NAME_MAX_BYTES = 255, MIME_MAX = 100, HEAD_SIZE = 4 };

/* What is in a file */

typedef struct {
    const char *path;
    bool digest; /* wanted */
    unsigned char bytes[HEAD_SIZE];
    size_t len;
    char hex[2 * crypto_generichash_BYTES + 1];
} look_job;

static void take_digest(look_job *j, int fd)
{
    unsigned char hash[crypto_generichash_BYTES], piece[64 << 10];
    crypto_generichash_state st;
    ssize_t n;

    crypto_generichash_init(&st, NULL, 0, sizeof hash);
    while ((n = read(fd, piece, sizeof piece)) > 0)
        crypto_generichash_update(&st, piece, (size_t)n);
    crypto_generichash_final(&st, hash, sizeof hash);
    hex_encode(hash, sizeof hash, j->hex);
}

/* On a thread of the pool. */
static void look(void *arg)
{
    look_job *j = arg;
    int fd = open(j->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd >= 0 ? pread(fd, j->bytes, sizeof j->bytes, 0) : -1;

    j->len = n > 0 ? (size_t)n : 0;
    if (fd >= 0 && j->digest)
        take_digest(j, fd);
    if (fd >= 0)
        close(fd);
}

/* Programs of Linux, Windows and macOS. */
static bool runs(const look_job *h)
{
    static const unsigned char magics[][HEAD_SIZE] = {
        {0x7f, 'E', 'L', 'F'},    {0xfe, 0xed, 0xfa, 0xce}, {0xfe, 0xed, 0xfa, 0xcf},
        {0xce, 0xfa, 0xed, 0xfe}, {0xcf, 0xfa, 0xed, 0xfe}, {0xca, 0xfe, 0xba, 0xbe},
    };

    if (h->len >= 2 && memcmp(h->bytes, "MZ", 2) == 0)
        return true;
    for (size_t i = 0; i < COUNT(magics); i++)
        if (h->len == HEAD_SIZE && memcmp(h->bytes, magics[i], HEAD_SIZE) == 0)
            return true;
    return false;
}

static bool named_like_a_program(const char *name)
{
    static const char *const endings[] = {".exe", ".dll", ".com", ".bat", ".cmd", ".msi", ".scr", ".pif",
                                          ".cpl", ".vbs", ".jar", ".apk", ".dmg", ".deb", ".rpm"};
    str all = str_of(name);

    for (size_t i = 0; i < COUNT(endings); i++) {
        size_t len = strlen(endings[i]);

        if (all.len >= len && str_is_nocase((str){all.p + all.len - len, len}, endings[i]))
            return true;
    }
    return false;
}

/* By the name, for clients that do not say what they send. */
static const char *mime_by_name(const char *name)
{
    static const struct {
        const char *ending, *mime;
    } known[] = {
        {".txt", "text/plain"},        {".md", "text/markdown"},      {".csv", "text/csv"},
        {".html", "text/html"},        {".json", "application/json"}, {".xml", "application/xml"},
        {".pdf", "application/pdf"},   {".png", "image/png"},         {".jpg", "image/jpeg"},
        {".jpeg", "image/jpeg"},       {".gif", "image/gif"},         {".webp", "image/webp"},
        {".yaml", "application/yaml"}, {".yml", "application/yaml"},
    };
    str all = str_of(name);

    for (size_t i = 0; i < COUNT(known); i++) {
        size_t len = strlen(known[i].ending);

        if (all.len > len && str_is_nocase((str){all.p + all.len - len, len}, known[i].ending))
            return known[i].mime;
    }
    return "application/octet-stream";
}

static const char *mime_of(arena *a, const part *p)
{
    const char *type = http_media_type(a, p->type);

    if (strchr(type, '/') == NULL || strlen(type) > MIME_MAX || cstr_eq(type, "application/octet-stream") ||
        strspn(type, "abcdefghijklmnopqrstuvwxyz0123456789!#$&^_.+-/") != strlen(type))
        return mime_by_name(p->filename);
    return type;
}

/* Uploading */

/* Moves on to the file; *found false when the form has none. */
static err find_file(multipart *m, part *out, bool *found)
{
    do
        TRY(multipart_next(m, out, found));
    while (*found && (out->filename == NULL || !cstr_eq(out->name, "file")));
    return OK;
}

/* What is not taken, and what was uploaded before under the same Idempotency-Key, has its answer then. */
static err check_file(request *rq, response *rs, const char *path, const part *p, bool *answered)
{
    look_job j = {.path = path, .digest = request_header(rq, "Idempotency-Key") != NULL};

    TRY(offload(rq->scope, look, &j));
    *answered = runs(&j) || named_like_a_program(p->filename);
    if (*answered)
        return dock_error(rq, rs, 406, "This type of file is not allowed");
    return dock_once_of(rq, rs, str_of(arena_printf(rq->scope->arena, "%s %s", j.hex, p->filename)), answered);
}

static err answer_uploaded(request *rq, response *rs, const attachment_row *at)
{
    json_t *o = json_hold(rq->scope->arena, json_object()), *file = json_object();

    json_set_str(file, "name", at->name);
    json_set_str(file, "mimeType", at->mime);
    json_set_int(file, "sizeInBytes", at->size);
    json_set_str(o, "attachmentId", at->id);
    json_set(o, "file", file);
    return dock_created(rq, rs, 200, o);
}

/* The staged file becomes an object and a row, or nothing. */
static err keep(request *rq, const char *path, attachment_row *at)
{
    scope *s = rq->scope;
    err e;

    TRY(object_put_staged(s, s->arena, path, &at->object_key));
    if ((e = attachment_insert(s, at)) != OK)
        object_discard(at->object_key);
    return e;
}

/* POST /attachment/v1/upload */
err dock_attachment_upload(request *rq, response *rs)
{
    scope *s = rq->scope;
    arena *a = s->arena;
    attachment_row at = {.owner_id = rq->user->user_id};
    bool found, answered = false;
    const char *path;
    multipart *m;
    part p;
    err e;

    TRY(multipart_open(rq, &m));
    TRY(find_file(m, &p, &found));
    if (!found)
        return dock_error(rq, rs, 400, "No file provided");
    at.name = str_dup(a, utf8_prefix(str_of(p.filename), NAME_MAX_BYTES / 4));
    if (strlen(p.filename) <= NAME_MAX_BYTES)
        at.name = p.filename;
    at.mime = mime_of(a, &p);
    TRY(object_stage(s, a, &path));
    TRY(multipart_to_file(m, path, FILE_MAX, &at.size));
    e = check_file(rq, rs, path, &p, &answered);
    if (e != OK || answered) {
        object_drop_staged(path);
        return e;
    }
    TRY(keep(rq, path, &at));
    return answer_uploaded(rq, rs, &at);
}

/* Deleting */

typedef struct {
    const char *attachmentId;
} delete_body;
static const field delete_fields[] = {
    FIELD(delete_body, attachmentId, .required = true, .not_null = true, .text = "From the upload"),
};
const schema dock_attachment_delete_schema = SCHEMA(delete_body, delete_fields);

/* DELETE /attachment/v1/delete */
err dock_attachment_delete(request *rq, response *rs)
{
    const delete_body *in = rq->body;
    attachment_row *at;
    json_t *o;
    err e;

    if (!dock_is_id(in->attachmentId))
        return dock_error(rq, rs, 400, "Invalid attachment ID format");
    e = attachment_delete(rq->scope, own_rows_of(rq->user), in->attachmentId, &at);
    if (e == ERR_NOT_FOUND)
        return dock_error(rq, rs, 404, "Attachment not found");
    TRY(e);
    object_discard(at->object_key);
    o = json_hold(rq->scope->arena, json_object());
    json_set_bool(o, "success", true);
    json_set_str(o, "message", "Attachment deleted successfully");
    json_set_str(o, "attachmentId", in->attachmentId);
    return reply_json(rs, 200, o);
}
