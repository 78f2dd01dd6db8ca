/* SPDX-License-Identifier: MIT */
/* See files.h. */
#include "script/files.h"

#include <errno.h>
#include <fcntl.h>
#include <strings.h>
#include <unistd.h>

#include "model/attachment.h"
#include "net/http.h"
#include "rt/offload.h"
#include "store/object.h"
#include "tool/workspace.h"

#define MB(n) ((int64_t)(n)*1024 * 1024)

/* Limits by kind */

static bool ends_with_any(const char *name, const char *const *endings)
{
    size_t len = strlen(name);

    for (; *endings != NULL; endings++) {
        size_t n = strlen(*endings);

        if (len > n && strcasecmp(name + len - n, *endings) == 0)
            return true;
    }
    return false;
}

int64_t files_limit(const char *mime, const char *name)
{
    static const char *const sheets[] = {".csv", ".tsv", ".xls", ".xlsx", ".ods", NULL};
    static const char *const documents[] = {".pdf", ".doc", ".docx", ".ppt", ".pptx", ".odt", ".odp", ".rtf",
                                            ".txt", ".md",  ".json", ".xml", ".html", ".eml", ".vtt", NULL};

    if (cstr_starts(mime, "image/") || cstr_starts(mime, "video/"))
        return MB(20);
    if (cstr_starts(mime, "audio/"))
        return MB(200);
    if (ends_with_any(name, sheets) || cstr_eq(mime, "text/csv"))
        return MB(30);
    if (ends_with_any(name, documents) || cstr_starts(mime, "text/") || cstr_eq(mime, "application/pdf"))
        return MB(256);
    return MB(10);
}

/* Copying, on a thread of the pool */

typedef struct {
    arena *a;
    const char *workspace, *given; /* or: */
    const char *from;
    const char *to;
    int64_t max, size;
    int error; /* errno */
} copy_job;

static int open_source(copy_job *j)
{
    const char *rel;
    workspace w;
    int fd;

    if (j->from != NULL) {
        fd = open(j->from, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
    }
    if ((fd = workspace_open(j->a, j->workspace, &w)) < 0)
        return fd;
    if ((fd = workspace_relative(j->a, &w, j->given, &rel)) == 0)
        fd = workspace_open_at(&w, rel, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    workspace_close(&w);
    return fd;
}

static int copy_bytes(copy_job *j, int in, int out)
{
    char piece[64 << 10];
    ssize_t n;

    while ((n = read(in, piece, sizeof piece)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        j->size += n;
        if (j->size > j->max)
            return EFBIG;
        for (ssize_t at = 0; at < n;) {
            ssize_t done = write(out, piece + at, (size_t)(n - at));

            if (done < 0 && errno != EINTR)
                return errno;
            at += done > 0 ? done : 0;
        }
    }
    return 0;
}

static void copy(void *arg)
{
    copy_job *j = arg;
    struct stat st;
    int in = open_source(j), out;

    if (in < 0) {
        j->error = -in;
        return;
    }
    if (fstat(in, &st) != 0 || !S_ISREG(st.st_mode)) {
        j->error = EINVAL;
        close(in);
        return;
    }
    out = open(j->to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    j->error = out < 0 ? errno : copy_bytes(j, in, out);
    if (out >= 0 && close(out) != 0 && j->error == 0)
        j->error = errno;
    if (out >= 0 && j->error != 0)
        unlink(j->to);
    close(in);
}

/* Resolving */

static err missing(scope *s, const char *reference)
{
    return fail_code(s, ERR_NOT_FOUND, "file.not_found", reference, "There is no file %s", reference);
}

static err check_size(scope *s, const script_input_file *f)
{
    int64_t most = files_limit(f->mime, f->name);

    if (f->size <= most)
        return OK;
    return fail_code(s, ERR_TOO_LARGE, "file.too_large", f->name, "The file %s is larger than %lld MB", f->name,
                     (long long)(most / MB(1)));
}

static err of_attachment(scope *s, const attachment_row *at, script_input_file *out)
{
    object_file file;

    out->name = at->name;
    out->mime = at->mime;
    out->size = at->size;
    out->modified = at->created_at;
    TRY(check_size(s, out));
    TRY(object_fetch(s, at->object_key, &file));
    out->path = file.path;
    return OK;
}

static void drop_staged(void *path)
{
    object_drop_staged(path);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* ERR_NOT_FOUND without a sentence: there may be an attachment of that name. */
static err of_workspace(scope *s, const char *directory, const char *name, script_input_file *out)
{
    copy_job j = {.a = arena_new(s->arena), .workspace = directory, .given = name, .max = MB(256)};

    TRY(object_stage(s, s->arena, &j.to));
    scope_defer(s, drop_staged, (void *)(uintptr_t)j.to); /* whenever the scope ends: also while it is copied */
    TRY(offload(s, copy, &j));
    if (j.error == EFBIG)
        return fail_code(s, ERR_TOO_LARGE, "file.too_large", name, "The file %s is too large", name);
    if (j.error == ENOSPC || j.error == EDQUOT)
        return fail(s, ERR_NO_SPACE, "no space left for the file %s", name);
    if (j.error != 0)
        return ERR_NOT_FOUND;
    out->name = base_name(name);
    out->mime = http_type_of_file(name);
    out->size = j.size;
    out->modified = 0;
    out->path = j.to;
    return check_size(s, out);
}

static bool is_uuid(str text)
{
    enum { UUID_LENGTH = 36 };

    return text.len == UUID_LENGTH && text.p[8] == '-' && text.p[13] == '-' && text.p[18] == '-' && text.p[23] == '-';
}

/* The id in "attachment/UUID/name" or "UUID"; NULL when the reference is a name. */
static const char *id_in(arena *a, const char *reference)
{
    str rest = str_of(reference), part;

    if (str_starts(rest, "attachment/"))
        rest = (str){rest.p + strlen("attachment/"), rest.len - strlen("attachment/")};
    else if (memchr(rest.p, '/', rest.len) != NULL)
        return NULL;
    if (!str_next(&rest, '/', &part) || !is_uuid(part))
        return NULL;
    return str_dup(a, part);
}

err files_resolve(scope *s, const file_owner *who, const char *reference, script_input_file *out)
{
    static const char mount[] = "/mnt/data/";
    const char *id = id_in(s->arena, reference), *name = reference;
    attachment_row *at = NULL;
    err e = ERR_NOT_FOUND;

    if (id != NULL) {
        e = attachment_find(s, owned_by_user(who->user_id), id, &at);
        return e == OK ? of_attachment(s, at, out) : e == ERR_NOT_FOUND ? missing(s, reference) : e;
    }
    if (cstr_starts(name, mount))
        name += sizeof mount - 1;
    if (who->workspace != NULL && *name != '\0')
        e = of_workspace(s, who->workspace, name, out);
    if (e != ERR_NOT_FOUND)
        return e;
    e = attachment_find_by_name(s, owned_by_user(who->user_id), base_name(name), &at);
    return e == OK ? of_attachment(s, at, out) : e == ERR_NOT_FOUND ? missing(s, reference) : e;
}

/* Keeping */

err files_keep(scope *s, const char *user_id, const script_output_file *f, const char **id)
{
    copy_job j = {.from = f->path, .max = INT64_MAX};
    attachment_row at = {.owner_id = user_id, .name = f->name, .mime = f->mime, .size = f->size};
    err e;

    TRY(object_stage(s, s->arena, &j.to));
    if ((e = offload(s, copy, &j)) != OK)
        object_drop_staged(j.to);
    TRY(e);
    if (j.error != 0)
        return fail(s, j.error == ENOSPC || j.error == EDQUOT ? ERR_NO_SPACE : ERR_IO,
                    "the file %s cannot be stored: %s", f->name, strerror(j.error));
    TRY(object_put_staged(s, s->arena, j.to, &at.object_key));
    if ((e = attachment_insert(s, &at)) != OK)
        object_discard(at.object_key);
    TRY(e);
    *id = at.id;
    return OK;
}
