/* SPDX-License-Identifier: MIT */
/*
 * Objects in a local directory; see object.h.
 *
 * DIRECTORY/ab/KEY, where "ab" begins the key, keeps directories short.  A file is complete and synced before it is renamed to
 * its place, and the directory is synced after: what was acknowledged is there after a crash.
 */
#include "store/object.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"
#include "base/log.h"
#include "rt/offload.h"

enum { KEY_LENGTH = 36, ROOT_MAX = PATH_MAX - 64 };

static char root[ROOT_MAX]; /* "": not set up */

/* Setting up */

static err cannot(char *why, size_t why_size, const char *path)
{
    snprintf(why, why_size, "%s: %s", path, strerror(errno));
    return ERR_IO;
}

/* Uploads that a stop or crash cut off: nobody knows their names any more. */
static void clear_staged(const char *path)
{
    DIR *d = opendir(path);

    if (d == NULL)
        return;
    for (const struct dirent *f; (f = readdir(d)) != NULL;)
        if (f->d_name[0] != '.')
            unlinkat(dirfd(d), f->d_name, 0);
    closedir(d);
}

err object_setup(const char *directory, char *why, size_t why_size)
{
    char staged[PATH_MAX];

    root[0] = '\0';
    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        return cannot(why, why_size, directory);
    if ((size_t)snprintf(staged, sizeof staged, "%s/staged", directory) >= ROOT_MAX) {
        errno = ENAMETOOLONG;
        return cannot(why, why_size, directory);
    }
    if (mkdir(staged, 0700) != 0 && errno != EEXIST)
        return cannot(why, why_size, staged);
    clear_staged(staged);
    snprintf(root, sizeof root, "%s", directory);
    return OK;
}

static err check_setup(scope *s)
{
    return *root != '\0' ? OK : fail(s, ERR_UNSUPPORTED, "this server has no place for objects");
}

/* Keys and places */

static bool is_key(const char *key)
{
    return key != NULL && strlen(key) == KEY_LENGTH && strspn(key, "0123456789abcdef-") == KEY_LENGTH;
}

static err place_of(scope *s, arena *a, const char *key, char **out)
{
    TRY(check_setup(s));
    if (!is_key(key))
        return fail_code(s, ERR_NOT_FOUND, "object.not_found", NULL, "there is no such object");
    *out = arena_printf(a, "%s/%.2s/%s", root, key, key);
    return OK;
}

static err failed(scope *s, int error)
{
    if (error == ENOENT)
        return fail_code(s, ERR_NOT_FOUND, "object.not_found", NULL, "there is no such object");
    if (error == ENOSPC || error == EDQUOT)
        return fail(s, ERR_NO_SPACE, "no space left for the file");
    return fail(s, ERR_IO, "the file cannot be stored or read: %s", strerror(error));
}

/* The blocking work */

typedef struct {
    const char *from, *to; /* `to` is the place of the object */
    const void *bytes;
    size_t len;
    char *read;
    int64_t size;
    int error;
} file_job;

static bool sync_path(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    int error = errno;

    if (fd >= 0)
        close(fd);
    errno = error;
    return ok;
}

static bool sync_directory_of(const char *path)
{
    char directory[PATH_MAX];

    snprintf(directory, sizeof directory, "%.*s", (int)(strrchr(path, '/') - path), path);
    return sync_path(directory, O_RDONLY | O_DIRECTORY);
}

static bool make_directory_of(const char *path)
{
    char directory[PATH_MAX];

    snprintf(directory, sizeof directory, "%.*s", (int)(strrchr(path, '/') - path), path);
    if (mkdir(directory, 0700) == 0)
        return sync_directory_of(directory);
    return errno == EEXIST;
}

static void settle(void *arg)
{
    file_job *j = arg;
    bool ok = sync_path(j->from, O_RDONLY) && make_directory_of(j->to) && rename(j->from, j->to) == 0 &&
              sync_directory_of(j->to);

    j->error = ok ? 0 : errno;
}

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

static void write_and_settle(void *arg)
{
    file_job *j = arg;
    int fd = open(j->from, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0) {
        j->error = errno;
        return;
    }
    j->error = write_all(fd, j->bytes, j->len);
    if (close(fd) != 0 && j->error == 0)
        j->error = errno;
    if (j->error == 0)
        settle(j);
}

static void measure(void *arg)
{
    file_job *j = arg;
    struct stat st;

    j->error = stat(j->to, &st) == 0 ? 0 : errno;
    if (j->error == 0)
        j->size = (int64_t)st.st_size;
}

static void read_whole(void *arg)
{
    file_job *j = arg;
    int fd = open(j->to, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    for (size_t done = 0; fd >= 0 && done < j->len;) {
        ssize_t n = read(fd, j->read + done, j->len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            j->error = n < 0 ? errno : EIO; /* objects do not shrink */
            break;
        }
        done += (size_t)n;
    }
    if (fd < 0)
        j->error = errno;
    else
        close(fd);
}

static void remove_file(void *arg)
{
    file_job *j = arg;

    j->error = unlink(j->to) == 0 || errno == ENOENT ? 0 : errno;
}

static err run_job(scope *s, void (*fn)(void *arg), file_job *j)
{
    TRY(offload(s, fn, j));
    return j->error == 0 ? OK : failed(s, j->error);
}

/* An object that nobody is told of must not be there: also when the wait was given up while it was being made. */
static err make_object(scope *s, void (*fn)(void *arg), file_job *j)
{
    err e = run_job(s, fn, j);

    if (e != OK) {
        unlink(j->from);
        unlink(j->to);
    }
    return e;
}

/* The functions of the header */

err object_stage(scope *s, arena *a, const char **path)
{
    TRY(check_setup(s));
    *path = arena_printf(a, "%s/staged/%s", root, id_uuid4(a));
    return OK;
}

void object_drop_staged(const char *path)
{
    if (path != NULL)
        unlink(path);
}

err object_put_staged(scope *s, arena *a, const char *path, const char **key)
{
    const char *made = id_uuid4(a);
    file_job j = {.from = path};
    char *place = NULL;
    err e = place_of(s, a, made, &place);

    if (e != OK) {
        object_drop_staged(path);
        return e;
    }
    j.to = place;
    TRY(make_object(s, settle, &j));
    *key = made;
    return OK;
}

err object_put(scope *s, arena *a, const void *bytes, size_t len, const char **key)
{
    const char *made = id_uuid4(a);
    file_job j = {.bytes = bytes, .len = len};
    char *place = NULL;

    TRY(place_of(s, a, made, &place));
    TRY(object_stage(s, a, &j.from));
    j.to = place;
    TRY(make_object(s, write_and_settle, &j));
    *key = made;
    return OK;
}

err object_fetch(scope *s, const char *key, object_file *out)
{
    file_job j = {.error = 0};
    char *place = NULL;

    TRY(place_of(s, s->arena, key, &place));
    j.to = place;
    TRY(run_job(s, measure, &j));
    *out = (object_file){.path = place, .size = j.size};
    return OK;
}

err object_read(scope *s, arena *a, const char *key, size_t max, str *out)
{
    object_file file;
    file_job j;

    TRY(object_fetch(s, key, &file));
    if (file.size < 0 || (uint64_t)file.size > max)
        return fail(s, ERR_TOO_LARGE, "the file is larger than %zu bytes", max);
    j = (file_job){.to = file.path, .len = (size_t)file.size, .read = arena_alloc(a, (size_t)file.size + 1)};
    j.read[j.len] = '\0';
    TRY(run_job(s, read_whole, &j));
    *out = (str){j.read, j.len};
    return OK;
}

err object_delete(scope *s, const char *key)
{
    file_job j = {.error = 0};
    char *place = NULL;
    err e = place_of(s, s->arena, key, &place);

    if (e == ERR_NOT_FOUND)
        return OK;
    TRY(e);
    j.to = place;
    return run_job(s, remove_file, &j);
}

void object_discard(const char *key)
{
    scope *s;
    err e;

    if (key == NULL)
        return;
    s = scope_new("object-discard");
    scope_set_timeout(s, SECONDS(10));
    if ((e = object_delete(s, key)) != OK)
        log_warn("object.orphan", log_str("object", key), log_str("reason", scope_failure(s, e).text));
    scope_close(s);
}
