/* SPDX-License-Identifier: MIT */
#include "tool/workspace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/id.h"

enum { LOCKS = 64 };

static pthread_mutex_t locks[LOCKS] = {[0 ... LOCKS - 1] = PTHREAD_MUTEX_INITIALIZER};
static atomic_bool no_openat2;

void workspace_without_openat2(bool without)
{
    atomic_store(&no_openat2, without);
}

/* The path behind a descriptor. */
static int path_of(int fd, char out[PATH_MAX])
{
    char link[40];
    ssize_t n;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, out, PATH_MAX - 1);
    if (n < 0)
        return -errno;
    out[n] = '\0';
    return out[0] == '/' ? 0 : -ENOENT;
}

int workspace_open(arena *a, const char *path, workspace *w)
{
    char real[PATH_MAX];
    size_t len = strlen(path);
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), e;

    if (fd < 0)
        return -errno;
    if ((e = path_of(fd, real)) < 0) {
        close(fd);
        return e;
    }
    while (len > 1 && path[len - 1] == '/')
        len--;
    *w = (workspace){.fd = fd, .path = arena_strndup(a, path, len), .real = arena_strdup(a, real)};
    return 0;
}

void workspace_close(workspace *w)
{
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
}

/* The part of `given` below `root`; NULL when it is not there. */
static const char *below(const char *given, const char *root)
{
    size_t len = strlen(root);

    if (strncmp(given, root, len) != 0 || (given[len] != '/' && given[len] != '\0'))
        return NULL;
    return given + len;
}

int workspace_relative(arena *a, const workspace *w, const char *given, const char **rel)
{
    const char *inside = given;
    char *out, *end;
    str rest, part;

    if (given == NULL || given[0] == '\0')
        return -EINVAL;
    if (strlen(given) >= PATH_MAX)
        return -ENAMETOOLONG;
    if (given[0] == '/' && (inside = below(given, w->path)) == NULL && (inside = below(given, w->real)) == NULL)
        return -EXDEV;
    out = end = arena_alloc(a, strlen(inside) + 2);
    rest = str_of(inside);
    while (str_next(&rest, '/', &part)) {
        if (part.len == 0 || str_is(part, "."))
            continue;
        if (!str_is(part, "..")) {
            if (end > out)
                *end++ = '/';
            memcpy(end, part.p, part.len);
            end += part.len;
            continue;
        }
        if (end == out)
            return -EXDEV;
        while (end > out && *--end != '/')
            ;
    }
    *end = '\0';
    *rel = out;
    return 0;
}

char *workspace_absolute(arena *a, const workspace *w, const char *rel)
{
    return rel[0] == '\0' ? arena_strdup(a, w->path) : arena_printf(a, "%s/%s", w->path, rel);
}

static bool is_link(int dir, const char *name)
{
    struct stat st;
    int before = errno;
    bool yes = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);

    errno = before;
    return yes;
}

/* Without openat2: component by component, no links at all. */
static int walk_open(int root, const char *rel, int flags, mode_t mode)
{
    int at = dup(root), next;
    str rest = str_of(rel), part;
    char name[NAME_MAX + 1];

    if (at < 0)
        return -errno;
    (void)fcntl(at, F_SETFD, FD_CLOEXEC);
    while (str_next(&rest, '/', &part)) {
        bool last = rest.len == 0;

        if (part.len > NAME_MAX || str_is(part, "..")) {
            close(at);
            return part.len > NAME_MAX ? -ENAMETOOLONG : -EXDEV;
        }
        memcpy(name, part.p, part.len);
        name[part.len] = '\0';
        next = openat(at, name, O_NOFOLLOW | O_CLOEXEC | (last ? flags : O_PATH | O_DIRECTORY), mode);
        if (next < 0)
            next = errno == ENOTDIR && is_link(at, name) ? -ELOOP : -errno;
        close(at);
        if (next < 0)
            return next;
        at = next;
    }
    return at;
}

/* Some container runtimes answer EPERM for system calls that they do not know. */
static bool openat2_is_forbidden(void)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC};
    long fd = syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof how);

    if (fd >= 0)
        close((int)fd);
    else
        errno = EPERM;
    return fd < 0;
}

static int open_beneath(int root, const char *rel, int flags, mode_t mode)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .mode = flags & O_CREAT ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    long fd;

    for (int tries = 0; !atomic_load_explicit(&no_openat2, memory_order_relaxed); tries++) {
        fd = syscall(SYS_openat2, root, rel[0] == '\0' ? "." : rel, &how, sizeof how);
        if (fd >= 0)
            return (int)fd;
        if (errno == ENOSYS || (errno == EPERM && openat2_is_forbidden()))
            atomic_store(&no_openat2, true);
        else if (errno != EAGAIN || tries > 16) /* EAGAIN: somebody renamed a directory on the way */
            return -errno;
    }
    if (rel[0] == '\0') {
        int dir = openat(root, ".", flags | O_CLOEXEC, mode);

        return dir < 0 ? -errno : dir;
    }
    return walk_open(root, rel, flags, mode);
}

int workspace_open_at(const workspace *w, const char *rel, int flags)
{
    return open_beneath(w->fd, rel, flags, 0);
}

int workspace_stat(const workspace *w, const char *rel, struct stat *st)
{
    int fd = open_beneath(w->fd, rel, O_PATH, 0), e = 0;

    if (fd < 0)
        return fd;
    if (fstat(fd, st) < 0)
        e = -errno;
    else if (S_ISLNK(st->st_mode)) /* only without openat2 */
        e = -ELOOP;
    close(fd);
    return e;
}

static int read_all(int fd, size_t max, char *out, size_t cap, size_t *len)
{
    *len = 0;
    while (*len < cap) {
        ssize_t n = read(fd, out + *len, cap - *len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        *len += (size_t)n;
    }
    return *len > max ? -EFBIG : 0;
}

int workspace_read(arena *a, const workspace *w, const char *rel, size_t max, str *out)
{
    int fd = open_beneath(w->fd, rel, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0), e = 0; /* a pipe must not hold us */
    struct stat st;
    char *bytes;
    size_t len = 0;

    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        e = -errno;
    else if (S_ISDIR(st.st_mode))
        e = -EISDIR;
    else if (!S_ISREG(st.st_mode))
        e = -EINVAL;
    else if (st.st_size > 0 && (size_t)st.st_size > max)
        e = -EFBIG;
    if (e == 0) { /* it may grow while we read: one byte more tells */
        size_t cap = MIN_OF((size_t)st.st_size + 4096, max) + 1;

        bytes = arena_alloc(a, cap + 1);
        e = read_all(fd, MIN_OF(cap - 1, max), bytes, cap, &len);
        if (e == 0) {
            bytes[len] = '\0';
            *out = (str){bytes, len};
        }
    }
    close(fd);
    return e;
}

int workspace_make_dirs(const workspace *w, const char *rel)
{
    char path[PATH_MAX];
    size_t len = strlen(rel);
    int fd;

    if (len >= sizeof path)
        return -ENAMETOOLONG;
    for (size_t i = 1; i <= len; i++) {
        if (rel[i] != '/' && rel[i] != '\0')
            continue;
        memcpy(path, rel, i);
        path[i] = '\0';
        fd = open_beneath(w->fd, path, O_PATH | O_DIRECTORY, 0);
        if (fd == -ENOENT) {
            char *leaf = strrchr(path, '/');
            int parent;

            if (leaf != NULL)
                *leaf = '\0';
            parent = open_beneath(w->fd, leaf != NULL ? path : "", O_PATH | O_DIRECTORY, 0);
            if (parent < 0)
                return parent;
            fd = mkdirat(parent, leaf != NULL ? leaf + 1 : path, 0755) < 0 && errno != EEXIST ? -errno : 0;
            close(parent);
            if (fd < 0)
                return fd;
            continue;
        }
        if (fd < 0)
            return fd;
        close(fd);
    }
    return 0;
}

/* The directory of `rel`, and its last part in *leaf, which points into `rel`. */
static int open_parent(const workspace *w, const char *rel, const char **leaf)
{
    const char *slash = strrchr(rel, '/');
    char dir[PATH_MAX];

    *leaf = slash != NULL ? slash + 1 : rel;
    if ((*leaf)[0] == '\0')
        return -EISDIR;
    if (slash == NULL)
        return open_beneath(w->fd, "", O_PATH | O_DIRECTORY, 0);
    if ((size_t)(slash - rel) >= sizeof dir)
        return -ENAMETOOLONG;
    memcpy(dir, rel, (size_t)(slash - rel));
    dir[slash - rel] = '\0';
    return open_beneath(w->fd, dir, O_PATH | O_DIRECTORY, 0);
}

/* For a path whose last part is a link: the path of what it leads to, relative to the workspace.  The answer is only a
 * path: opening it is checked again. */
static int follow(const workspace *w, const char *rel, char out[PATH_MAX])
{
    const char *inside;
    int fd = open_beneath(w->fd, rel, O_PATH, 0), e;

    if (fd < 0)
        return fd == -ENOENT ? -ELOOP : fd; /* a dangling link: where it leads nobody knows */
    e = path_of(fd, out);
    close(fd);
    if (e < 0)
        return e;
    if ((inside = below(out, w->real)) == NULL || inside[0] == '\0')
        return -EXDEV;
    memmove(out, inside + 1, strlen(inside));
    return 0;
}

static int write_all(int fd, const char *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Writes beside the old file and renames over it. */
static int replace(int dir, const char *leaf, mode_t mode, const void *bytes, size_t len)
{
    arena *a = arena_new(NULL);
    const char *temp = arena_printf(a, ".sluice-%s.tmp", id_hex(a, 16));
    int fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), e;

    if (fd < 0) {
        e = -errno;
        arena_free(a);
        return e;
    }
    e = write_all(fd, bytes, len);
    if (e == 0 && fchmod(fd, mode) < 0)
        e = -errno;
    if (close(fd) < 0 && e == 0)
        e = -errno;
    if (e == 0 && renameat(dir, temp, dir, leaf) < 0)
        e = -errno;
    if (e < 0)
        (void)unlinkat(dir, temp, 0);
    arena_free(a);
    return e;
}

/* 1: `rel` is a link. */
static int write_leaf(const workspace *w, const char *rel, const void *bytes, size_t len, mode_t fresh)
{
    struct stat st;
    const char *leaf;
    int dir = open_parent(w, rel, &leaf), e;

    if (dir < 0)
        return dir;
    if (fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0)
        e = errno == ENOENT ? replace(dir, leaf, fresh, bytes, len) : -errno;
    else if (S_ISLNK(st.st_mode))
        e = 1;
    else if (S_ISDIR(st.st_mode))
        e = -EISDIR;
    else
        e = S_ISREG(st.st_mode) ? replace(dir, leaf, st.st_mode & 07777, bytes, len) : -EINVAL;
    close(dir);
    return e;
}

int workspace_write(const workspace *w, const char *rel, const void *bytes, size_t len)
{
    return workspace_write_as(w, rel, bytes, len, 0644);
}

int workspace_write_as(const workspace *w, const char *rel, const void *bytes, size_t len, mode_t fresh)
{
    char path[PATH_MAX];
    const char *slash = strrchr(rel, '/');
    int e;

    if (slash != NULL) {
        if ((size_t)(slash - rel) >= sizeof path)
            return -ENAMETOOLONG;
        memcpy(path, rel, (size_t)(slash - rel));
        path[slash - rel] = '\0';
        if ((e = workspace_make_dirs(w, path)) < 0)
            return e;
    }
    e = write_leaf(w, rel, bytes, len, fresh);
    if (e == 1 && (e = follow(w, rel, path)) == 0)
        e = write_leaf(w, path, bytes, len, fresh);
    return e == 1 ? -ELOOP : e;
}

int workspace_create(const workspace *w, const char *rel)
{
    const char *leaf;
    int dir = open_parent(w, rel, &leaf), fd;

    if (dir < 0)
        return dir;
    fd = openat(dir, leaf, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        fd = -errno;
    close(dir);
    return fd;
}

static int unlink_beneath(const workspace *w, const char *rel, int flags)
{
    const char *leaf;
    int dir = open_parent(w, rel, &leaf), e;

    if (dir < 0)
        return dir;
    e = unlinkat(dir, leaf, flags) < 0 ? -errno : 0;
    close(dir);
    return e;
}

int workspace_remove(const workspace *w, const char *rel)
{
    return unlink_beneath(w, rel, 0);
}

int workspace_remove_dir(const workspace *w, const char *rel)
{
    return unlink_beneath(w, rel, AT_REMOVEDIR);
}

static pthread_mutex_t *lock_of(const workspace *w)
{
    uint64_t h = 1469598103934665603U;

    for (const char *p = w->real; *p != '\0'; p++)
        h = (h ^ (unsigned char)*p) * 1099511628211U;
    return &locks[h % LOCKS];
}

void workspace_lock(const workspace *w)
{
    pthread_mutex_lock(lock_of(w));
}

void workspace_unlock(const workspace *w)
{
    pthread_mutex_unlock(lock_of(w));
}
