/* SPDX-License-Identifier: MIT */
/*
 * list_dir and glob: what is in the workspace.
 */
#include "tool/pattern.h"
#include "tool/walk.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"

enum { DEPTH_MAX = 10, ITEMS_MAX = 1000, TREE_MAX = 256 << 10, HEAD_MAX = 5000, FOUND_MAX = 100000 };

static int64_t clamp(int64_t n, int64_t least, int64_t most)
{
    return n < least ? least : n > most ? most : n;
}

typedef struct {
    work *w;
    buf *tree;
    bool hidden;
    size_t max_items, depth;
} tree_job;

/* A line is one name, whatever characters its owner chose. */
static void put_name(buf *b, const walk_name *name, size_t level)
{
    buf_printf(b, "%*s", (int)(2 * level), "");
    for (const char *c = name->name; *c != '\0'; c++)
        buf_putc(b, (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c);
    buf_puts(b, name->is_dir ? "/\n" : "\n");
}

/* Depth is at most DEPTH_MAX, so is this recursion. */
static int add_level(tree_job *j, const char *rel, size_t level)
{
    walk_name *names;
    size_t n, total;
    int e = walk_names(j->w, rel, j->hidden, j->max_items, &names, &n, &total);

    for (size_t i = 0; e == 0 && i < n && !work_over(j->w); i++) {
        put_name(j->tree, &names[i], level);
        if (names[i].is_dir && level + 1 < j->depth && !walk_skips(names[i].name))
            (void)add_level(j, arena_printf(j->w->a, "%s%s%s", rel, rel[0] != '\0' ? "/" : "", names[i].name),
                            level + 1); /* one that cannot be read is shown without its contents */
    }
    if (e == 0 && total > n)
        buf_printf(j->tree, "%*s… (%zu more)\n", (int)(2 * level), "", total - n);
    return e;
}

static json_t *work_list_dir(work *w)
{
    const char *given = arg_str(w->args, "path", "."), *rel;
    int64_t depth = clamp(json_get_int(w->args, "depth", 2), 1, DEPTH_MAX);
    tree_job j = {.w = w,
                  .tree = buf_new(w->a, TREE_MAX),
                  .hidden = json_get_bool(w->args, "include_hidden", false),
                  .max_items = (size_t)clamp(json_get_int(w->args, "max_items_per_dir", 50), 1, ITEMS_MAX),
                  .depth = (size_t)depth};
    int e = workspace_relative(w->a, &w->ws, given[0] != '\0' ? given : ".", &rel);
    json_t *o;

    if (e == 0)
        e = add_level(&j, rel, 0);
    if (e == -ENOTDIR)
        return tool_failure("INVALID_ARGUMENT", "Not a directory: %s", given);
    if (e < 0)
        return tool_path_failure(e, given);
    o = json_object();
    json_set_bool(o, "success", true);
    json_set_str(o, "status", "success");
    json_set_str(o, "root", workspace_absolute(w->a, &w->ws, rel));
    json_set_int(o, "depth", depth);
    json_set_str(o, "tree", buf_str(j.tree));
    if (!buf_ok(j.tree))
        json_set_bool(o, "truncated", true);
    return o;
}

/* Whether there is anything to show, without the way to a pool thread: most conversations have no files. */
static bool is_bare(const char *path)
{
    enum { LOOK_AT = 32 }; /* many hidden ones: then it is looked at properly */
    DIR *d = opendir(path);
    struct dirent *e = NULL;
    bool bare = true;

    for (int i = 0; d != NULL && bare && i < LOOK_AT && (e = readdir(d)) != NULL; i++)
        bare = e->d_name[0] == '.';
    if (d != NULL)
        closedir(d);
    return bare && e == NULL;
}

err tool_workspace_tree(scope *s, arena *a, const tool_context *cx, int depth, int per_dir, const char **out)
{
    json_t *args, *v;

    *out = NULL;
    if (cx->workspace == NULL || is_bare(cx->workspace))
        return OK;
    args = json_hold(s->arena, json_object());
    json_set_int(args, "depth", depth);
    json_set_int(args, "max_items_per_dir", per_dir);
    TRY(work_run(s, cx, args, SECONDS(2), work_list_dir, &v));
    if (json_get_str(v, "tree", "")[0] != '\0')
        *out = arena_strdup(a, json_get_str(v, "tree", ""));
    json_decref(v);
    return OK;
}

static const param list_params[] = {
    {"path", "string", "Directory, absolute or relative to the workspace; the workspace itself when left out"},
    {"depth", "integer", "How many levels to show, at most 10", .fallback = "2"},
    {"max_items_per_dir", "integer", "Entries shown of one directory", .fallback = "50"},
    {"include_hidden", "boolean", "Show names that begin with a dot", .fallback = "false"},
};

const builtin builtin_list_dir = {
    .name = "list_dir",
    .text = "Shows the files and directories of the workspace as a tree.",
    PARAMS(list_params),
    .work = work_list_dir,
    .baseline = true,
};

typedef struct {
    char *rel;
    int64_t mtime;
} found;

typedef struct {
    const path_pattern *pattern;
    found *files;
    size_t n, cap;
} glob_job;

static bool glob_visit(void *arg, const walk_file *f)
{
    glob_job *g = arg;

    if (!path_pattern_matches(g->pattern, f->path))
        return true;
    if (g->n == FOUND_MAX)
        return false;
    if (g->n == g->cap) {
        g->cap = MAX_OF(g->cap * 2, 64);
        g->files = mem_realloc(g->files, g->cap * sizeof *g->files);
    }
    g->files[g->n++] = (found){mem_strdup(f->rel), f->mtime};
    return true;
}

static int newest_first(const void *a, const void *b)
{
    const found *x = a, *y = b;

    if (x->mtime != y->mtime)
        return x->mtime > y->mtime ? -1 : 1;
    return strcmp(x->rel, y->rel);
}

/* An absolute pattern carries its root with it: the part before the first wildcard. */
static const char *split_root(arena *a, const char *text, const char **root)
{
    size_t wild = strcspn(text, "*?[{"), slash = wild;

    if (text[0] != '/' || *root != NULL)
        return text;
    while (slash > 0 && text[slash - 1] != '/')
        slash--;
    *root = arena_strndup(a, text, slash);
    return arena_printf(a, "./%s", text + slash);
}

static json_t *glob_result(work *w, const glob_job *g, const char *asked, const char *rel, walk_end end)
{
    size_t limit = (size_t)clamp(json_get_int(w->args, "head_limit", 200), 1, HEAD_MAX);
    json_t *o = json_object(), *files = json_array();

    for (size_t i = 0; i < MIN_OF(g->n, limit); i++)
        json_array_append_new(files, json_string(workspace_absolute(w->a, &w->ws, g->files[i].rel)));
    json_set_bool(o, "success", true);
    json_set_str(o, "status", "success");
    json_set_str(o, "pattern", asked);
    json_set_str(o, "root", workspace_absolute(w->a, &w->ws, rel));
    json_set_int(o, "count", (int64_t)json_array_size(files));
    json_set(o, "files", files);
    json_set_bool(o, "truncated", g->n > limit || end != WALK_DONE);
    return o;
}

static json_t *work_glob(work *w)
{
    const char *asked = arg_str(w->args, "pattern", ""), *root = arg_str(w->args, "path", NULL), *rel, *reason;
    const char *text = split_root(w->a, asked, &root);
    glob_job g = {.pattern = path_pattern_new(w->a, text, &reason)};
    struct stat st;
    walk_end end;
    json_t *o;
    int e;

    if (g.pattern == NULL)
        return tool_failure("INVALID_ARGUMENT", "Bad pattern: %s", reason);
    root = cstr_blank(root) ? "." : root;
    e = workspace_relative(w->a, &w->ws, root, &rel);
    if (e == 0)
        e = workspace_stat(&w->ws, rel, &st);
    if (e < 0)
        return tool_path_failure(e, root);
    if (!S_ISDIR(st.st_mode))
        return tool_failure("INVALID_ARGUMENT", "Not a directory: %s", root);
    end = walk_files(w, rel, glob_visit, &g);
    if (g.n > 0)
        qsort(g.files, g.n, sizeof *g.files, newest_first);
    o = glob_result(w, &g, asked, rel, end);
    for (size_t i = 0; i < g.n; i++)
        free(g.files[i].rel);
    free(g.files);
    return o;
}

static const param glob_params[] = {
    {"pattern", "string", "Such as \"**/*.py\" or \"src/*.{c,h}\"; without a slash it is for names in any directory",
     .required = true},
    {"path", "string", "Directory to look in; the workspace itself when left out"},
    {"head_limit", "integer", "Most files to return", .fallback = "200"},
};

const builtin builtin_glob = {
    .name = "glob",
    .text = "Finds files by a pattern of their path, newest first.",
    PARAMS(glob_params),
    .work = work_glob,
    .timeout = SECONDS(30),
    .baseline = true,
};
