/* SPDX-License-Identifier: MIT */
#include "tool/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

enum { ENTRIES_MAX = 200000, DIRS_MAX = 50000, DEPTH_MAX = 64, NAMES_MAX = 100000 };

static const char *const skipped[] = {".git",        "node_modules",  "__pycache__", ".venv",   "venv",   "dist",
                                      "build",       ".next",         ".cache",      ".tox",    ".hg",    ".svn",
                                      ".mypy_cache", ".pytest_cache", ".idea",       ".vscode", ".sluice"};

bool walk_skips(const char *name)
{
    for (size_t i = 0; i < COUNT(skipped); i++)
        if (cstr_eq(skipped[i], name))
            return true;
    return false;
}

typedef struct {
    work *w;
    const char *start;
    bool (*visit)(void *arg, const walk_file *f);
    void *arg;
    char **dirs; /* still to be read, relative to the workspace; heap */
    size_t n_dirs, cap, entries, all_dirs;
    bool bounded, stopped;
    buf path;
} walk;

static DIR *open_dir(const workspace *ws, const char *rel)
{
    int fd = workspace_open_at(ws, rel, O_RDONLY | O_DIRECTORY);
    DIR *d;

    if (fd < 0)
        return errno = -fd, NULL;
    if ((d = fdopendir(fd)) == NULL)
        close(fd);
    return d;
}

static size_t depth_of(const char *rel)
{
    size_t n = 0;

    for (; *rel != '\0'; rel++)
        n += *rel == '/';
    return n;
}

static void push_dir(walk *k, const char *rel)
{
    if (k->all_dirs >= DIRS_MAX || depth_of(rel) > DEPTH_MAX) {
        k->bounded = true;
        return;
    }
    if (k->n_dirs == k->cap) {
        k->cap = MAX_OF(k->cap * 2, 64);
        k->dirs = mem_realloc(k->dirs, k->cap * sizeof *k->dirs);
    }
    k->all_dirs++;
    k->dirs[k->n_dirs++] = mem_strdup(rel);
}

static void visit_entry(walk *k, int dir_fd, const char *dir, const char *name)
{
    size_t start = strlen(k->start);
    struct stat st;
    walk_file f;

    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return; /* gone meanwhile */
    buf_reset(&k->path);
    buf_printf(&k->path, "%s%s%s", dir, dir[0] != '\0' ? "/" : "", name);
    if (!buf_ok(&k->path))
        return;
    f = (walk_file){
        .rel = buf_str(&k->path),
        .path = buf_str(&k->path) + start + (start > 0),
        .mtime = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
        .size = st.st_size,
    };
    if (S_ISDIR(st.st_mode) && !walk_skips(name))
        push_dir(k, f.rel);
    else if (S_ISREG(st.st_mode) && !k->visit(k->arg, &f))
        k->stopped = true;
}

static void read_dir(walk *k, const char *dir)
{
    DIR *d = open_dir(&k->w->ws, dir);
    struct dirent *e;

    while (d != NULL && !k->stopped && !k->bounded && (e = readdir(d)) != NULL) {
        if (cstr_eq(e->d_name, ".") || cstr_eq(e->d_name, ".."))
            continue;
        if (++k->entries > ENTRIES_MAX || work_over(k->w))
            k->bounded = true;
        else if (utf8_valid(e->d_name, strlen(e->d_name))) /* other names cannot be told to a model */
            visit_entry(k, dirfd(d), dir, e->d_name);
    }
    if (d != NULL)
        closedir(d);
}

walk_end walk_files(work *w, const char *rel, bool (*visit)(void *arg, const walk_file *f), void *arg)
{
    walk k = {.w = w, .start = rel, .visit = visit, .arg = arg, .path = BUF_INIT(KIB(16))};

    push_dir(&k, rel);
    while (k.n_dirs > 0) {
        char *dir = k.dirs[--k.n_dirs];

        if (!k.stopped && !k.bounded)
            read_dir(&k, dir);
        free(dir);
    }
    free(k.dirs);
    buf_close(&k.path);
    return k.stopped ? WALK_STOPPED : k.bounded ? WALK_BOUNDED : WALK_DONE;
}

static int by_name(const void *a, const void *b)
{
    const walk_name *x = a, *y = b;

    if (x->is_dir != y->is_dir)
        return x->is_dir ? -1 : 1;
    return strcmp(x->name, y->name);
}

static bool is_dir(DIR *d, const struct dirent *e)
{
    struct stat st;

    if (e->d_type != DT_UNKNOWN)
        return e->d_type == DT_DIR;
    return fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

int walk_names(work *w, const char *rel, bool hidden, size_t max, walk_name **out, size_t *n, size_t *total)
{
    DIR *d = open_dir(&w->ws, rel);
    walk_name *all = NULL;
    size_t count = 0, cap = 0;
    struct dirent *e;

    if (d == NULL)
        return -errno;
    while ((e = readdir(d)) != NULL && count < NAMES_MAX && !work_over(w)) {
        if (cstr_eq(e->d_name, ".") || cstr_eq(e->d_name, "..") || (e->d_name[0] == '.' && !hidden) ||
            !utf8_valid(e->d_name, strlen(e->d_name)))
            continue;
        if (count == cap) {
            cap = MAX_OF(cap * 2, 64);
            all = mem_realloc(all, cap * sizeof *all);
        }
        all[count++] = (walk_name){arena_strdup(w->a, e->d_name), is_dir(d, e)};
    }
    closedir(d);
    if (count > 0)
        qsort(all, count, sizeof *all, by_name);
    *n = MIN_OF(count, max);
    *total = count;
    *out = arena_memdup(w->a, all, *n * sizeof *all);
    free(all);
    return 0;
}
