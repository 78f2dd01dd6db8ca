/* SPDX-License-Identifier: MIT */
/* Copies the directory of objects; see object_backup.h. */
#include "store/object_backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

enum { PIECE = 1 << 16, KEY_LENGTH = 36, SHELF_LENGTH = 2 };

typedef struct {
    size_t count;
    char *why;
    size_t why_size;
} copying;

static err failed(copying *c, const char *path)
{
    int error = errno;

    snprintf(c->why, c->why_size, "%s: %s", path, strerror(error));
    return error == ENOSPC || error == EDQUOT ? ERR_NO_SPACE : error == EEXIST ? ERR_CONFLICT : ERR_IO;
}

static err sync_directory(copying *c, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    err e = fd >= 0 && fsync(fd) == 0 ? OK : failed(c, path);

    if (fd >= 0)
        close(fd);
    return e;
}

static bool write_all(int out, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(out, bytes, len);

        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
    }
    return true;
}

static bool copy_bytes(int in, int out)
{
    static char piece[PIECE]; /* one backup at a time */
    ssize_t n;

    while ((n = read(in, piece, sizeof piece)) != 0) {
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0 && !write_all(out, piece, (size_t)n))
            return false;
    }
    return fsync(out) == 0;
}

static err copy_object(copying *c, const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), out;
    err e = OK;

    if (in < 0)
        return errno == ENOENT ? OK : failed(c, from); /* deleted meanwhile */
    out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (out < 0 || !copy_bytes(in, out))
        e = failed(c, to);
    else
        c->count++;
    if (out >= 0 && close(out) != 0 && e == OK)
        e = failed(c, to);
    close(in);
    return e;
}

/* Calls fn for each entry whose name is that long: a shelf's has the two characters with which its keys begin. */
static err each(copying *c, const char *from, const char *to, size_t length,
                err (*fn)(copying *c, const char *from, const char *to))
{
    DIR *d = opendir(from);
    err e = OK;

    if (d == NULL)
        return errno == ENOENT ? OK : failed(c, from);
    for (const struct dirent *f; e == OK && (f = readdir(d)) != NULL;) {
        char source[PATH_MAX], target[PATH_MAX];

        if (f->d_name[0] == '.' || strlen(f->d_name) != length)
            continue;
        if ((size_t)snprintf(source, sizeof source, "%s/%s", from, f->d_name) >= sizeof source ||
            (size_t)snprintf(target, sizeof target, "%s/%s", to, f->d_name) >= sizeof target) {
            errno = ENAMETOOLONG;
            e = failed(c, from);
        } else {
            e = fn(c, source, target);
        }
    }
    closedir(d);
    return e;
}

static err copy_shelf(copying *c, const char *from, const char *to)
{
    if (mkdir(to, 0700) != 0)
        return failed(c, to);
    TRY(each(c, from, to, KEY_LENGTH, copy_object));
    return rmdir(to) == 0 ? OK : sync_directory(c, to); /* shelves stay when their objects are deleted */
}

err object_backup(const char *from, const char *to, size_t *count, char *why, size_t why_size)
{
    copying c = {.why = why, .why_size = why_size};
    err e = OK;

    *count = 0;
    if (access(from, F_OK) != 0)
        return OK; /* nothing was ever stored */
    if (mkdir(to, 0700) != 0)
        return failed(&c, to);
    e = each(&c, from, to, SHELF_LENGTH, copy_shelf);
    *count = c.count;
    if (e != OK)
        return e;
    return rmdir(to) == 0 ? OK : sync_directory(&c, to); /* empty: as if nothing had ever been stored */
}
