/* SPDX-License-Identifier: MIT */
/*
 * apply_patch: changes to several files, all of them or none.
 *
 * Everything is checked and computed before the first write.  Should a write fail all the same (a full disk, a path that
 * became something else), what was written is undone in reverse order.
 */
#include "tool/internal.h"
#include "tool/patch_text.h"

#include <errno.h>
#include <sodium.h>

#include "base/map.h"

/* One file to be written or removed. */
typedef struct {
    const char *rel;
    bool remove;
    str text;
    mode_t mode; /* of a file that is new */
    bool existed;
    str before; /* its old text, when it existed */
    mode_t mode_before;
    size_t missing_dirs; /* length of the first path above it that was not there; 0: all were */
} step;

typedef struct {
    work *w;
    step *steps;
    size_t n, done;
    json_t *changes;
    json_t *problem;
} job;

static bool reject(job *j, json_t *problem, const char *path)
{
    json_set_str(problem, "failed_path", path);
    j->problem = problem;
    return false;
}

static bool resolve(job *j, const char *given, const char **rel)
{
    int e = given[0] == '/' ? -EXDEV : workspace_relative(j->w->a, &j->w->ws, given, rel);

    if (e == 0 && (*rel)[0] == '\0')
        e = -EISDIR;
    return e == 0 || reject(j, tool_path_failure(e, given), given);
}

/* Adds a step and notes what is there now. */
static step *add_step(job *j, const char *given, const char *rel, bool must_exist)
{
    step *s = &j->steps[j->n];
    struct stat st;
    int e = workspace_stat(&j->w->ws, rel, &st);

    *s = (step){.rel = rel, .existed = e == 0, .mode = 0644};
    if (e == 0 && !must_exist) {
        reject(j, tool_failure("PRECONDITION_FAILED", "The file exists already: %s", given), given);
        return NULL;
    }
    if (e == 0) {
        s->mode_before = st.st_mode & 07777;
        e = workspace_read(j->w->a, &j->w->ws, rel, FILE_LIMIT, &s->before);
    }
    if (e < 0 && !(e == -ENOENT && !must_exist)) {
        reject(j, tool_path_failure(e, given), given);
        return NULL;
    }
    j->n++;
    return s;
}

static bool plan_update(job *j, const patch_section *p, const char *rel)
{
    step *s = add_step(j, p->path, rel, true), *moved;
    const char *reason, *target;
    str after;

    if (s == NULL)
        return false;
    if (!utf8_valid(s->before.p, s->before.len))
        return reject(j, tool_failure("UNSUPPORTED", "The file is not UTF-8 text: %s", p->path), p->path);
    if (!patch_apply(j->w->a, p, s->before, work_ask_over, j->w, &after, &reason))
        return reject(j, tool_failure(work_over(j->w) ? "TIMEOUT" : "NO_MATCH", "%s: %s", p->path, reason), p->path);
    s->text = after;
    if (p->move_to == NULL)
        return true;
    if (!resolve(j, p->move_to, &target) || (moved = add_step(j, p->move_to, target, false)) == NULL)
        return false;
    moved->text = after;
    moved->mode = s->mode_before;
    s->remove = true;
    return true;
}

static bool plan_section(job *j, const patch_section *p)
{
    const char *rel;
    step *s;

    if (!resolve(j, p->path, &rel))
        return false;
    if (p->kind == PATCH_UPDATE)
        return plan_update(j, p, rel);
    s = add_step(j, p->path, rel, p->kind == PATCH_DELETE);
    if (s == NULL)
        return false;
    s->remove = p->kind == PATCH_DELETE;
    s->text = p->text;
    return true;
}

static bool each_file_once(job *j)
{
    map *seen = map_new();
    const char *twice = NULL;

    for (size_t i = 0; i < j->n && twice == NULL; i++)
        if (map_put(seen, j->steps[i].rel, j) != NULL)
            twice = j->steps[i].rel;
    map_free(seen);
    return twice == NULL ||
           reject(j, tool_failure("INVALID_ARGUMENT", "The patch names a file more than once: %s", twice), twice);
}

static void describe(job *j, const patch_section *p)
{
    static const char *const actions[] = {"add", "update", "delete"};
    json_t *o = json_object();

    json_set_str(o, "action", p->move_to != NULL ? "move" : actions[p->kind]);
    json_set_str(o, "path", p->path);
    if (p->move_to != NULL)
        json_set_str(o, "move_to", p->move_to);
    json_array_append_new(j->changes, o);
}

/* Files are removed last, so that what moves is never nowhere. */
static void removals_last(job *j)
{
    step *sorted = arena_array(j->w->a, step, j->n);
    size_t n = 0;

    for (int removing = 0; removing < 2; removing++)
        for (size_t i = 0; i < j->n; i++)
            if (j->steps[i].remove == (removing == 1))
                sorted[n++] = j->steps[i];
    j->steps = sorted;
}

static bool plan(job *j, const patch_section *sections)
{
    size_t n = 0;

    for (const patch_section *p = sections; p != NULL; p = p->next)
        n += 2;
    j->steps = arena_array(j->w->a, step, n);
    for (const patch_section *p = sections; p != NULL; p = p->next) {
        if (!plan_section(j, p))
            return false;
        describe(j, p);
    }
    removals_last(j);
    return each_file_once(j);
}

/* The length of the shortest path above `rel` that does not exist; 0 when all do. */
static size_t first_missing(job *j, const char *rel)
{
    struct stat st;

    for (size_t i = 1; rel[i] != '\0'; i++)
        if (rel[i] == '/' && workspace_stat(&j->w->ws, arena_strndup(j->w->a, rel, i), &st) == -ENOENT)
            return i;
    return 0;
}

static int do_step(job *j, step *s)
{
    if (s->remove)
        return workspace_remove(&j->w->ws, s->rel);
    s->missing_dirs = first_missing(j, s->rel);
    return workspace_write_as(&j->w->ws, s->rel, s->text.p, s->text.len, s->mode);
}

static int undo_step(job *j, const step *s)
{
    size_t len = strlen(s->rel);
    int e;

    if (s->existed)
        return workspace_write_as(&j->w->ws, s->rel, s->before.p, s->before.len, s->mode_before);
    e = workspace_remove(&j->w->ws, s->rel);
    for (size_t i = len; s->missing_dirs > 0 && i >= s->missing_dirs; i--)
        if (s->rel[i] == '/' && workspace_remove_dir(&j->w->ws, arena_strndup(j->w->a, s->rel, i)) < 0)
            break; /* somebody else put something there */
    return e;
}

/* The failed write may itself have made directories. */
static void undo_dirs(job *j, const step *s)
{
    for (size_t i = strlen(s->rel); s->missing_dirs > 0 && i >= s->missing_dirs; i--)
        if (s->rel[i] == '/')
            (void)!workspace_remove_dir(&j->w->ws, arena_strndup(j->w->a, s->rel, i));
}

static void roll_back(job *j, int error, const step *failed)
{
    json_t *rollback = json_object();
    bool ok = true;

    undo_dirs(j, failed);
    while (j->done > 0)
        ok &= undo_step(j, &j->steps[--j->done]) == 0;
    j->problem = tool_path_failure(error, failed->rel);
    json_set_str(j->problem, "failed_path", failed->rel);
    json_set_bool(rollback, "attempted", true);
    json_set_bool(rollback, "success", ok);
    json_set(j->problem, "rollback", rollback);
}

static bool carry_out(job *j)
{
    for (; j->done < j->n; j->done++) {
        int e = do_step(j, &j->steps[j->done]);

        if (e < 0) {
            roll_back(j, e, &j->steps[j->done]);
            return false;
        }
    }
    return true;
}

static json_t *result(job *j, const char *text)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    char hex[2 * crypto_hash_sha256_BYTES + 1];
    json_t *o = json_object(), *rollback = json_object();
    size_t n = json_array_size(j->changes);

    crypto_hash_sha256(hash, (const unsigned char *)text, strlen(text));
    hex_encode(hash, sizeof hash, hex);
    json_set_bool(rollback, "attempted", false);
    json_set_bool(o, "success", true);
    json_set_str(o, "status", "success");
    json_set_str(o, "message", arena_printf(j->w->a, "Patch applied: %zu file%s changed.", n, n == 1 ? "" : "s"));
    json_set_int(o, "files_changed", (int64_t)n);
    json_set_str(o, "patch_sha256", hex);
    json_set(o, "changes", json_incref(j->changes));
    json_set(o, "rollback", rollback);
    return o;
}

static json_t *work_patch(work *w)
{
    const char *text = arg_str(w->args, "patch", ""), *reason;
    patch_section *sections = patch_parse(w->a, text, &reason);
    job j = {.w = w};
    json_t *o;

    if (sections == NULL)
        return tool_failure("PARSE_ERROR", "Bad patch: %s", reason);
    j.changes = json_array();
    workspace_lock(&w->ws);
    o = plan(&j, sections) && carry_out(&j) ? result(&j, text) : j.problem;
    workspace_unlock(&w->ws);
    json_decref(j.changes);
    return o;
}

/* The workspace is locked meanwhile. */
static err call_patch(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    json_t *result;

    (void)t;
    TRY(work_run(s, cx, args, SECONDS(20), work_patch, &result));
    return answer_json(s, result, out);
}

static const param params[] = {
    {"patch", "string",
     "*** Begin Patch, then sections *** Add File: PATH (lines begin with +), *** Update File: PATH (optionally *** "
     "Move to: "
     "PATH, then hunks: @@ anchor, lines beginning with ' ', '-' or '+'), *** Delete File: PATH, then *** End Patch. "
     "Paths "
     "are relative to the workspace",
     .required = true},
};

const builtin builtin_apply_patch = {
    .name = "apply_patch",
    .text = "Changes several files of the workspace by one patch: all of it or nothing.",
    PARAMS(params),
    .call = call_patch,
    .timeout = SECONDS(60),
    .explicit_only = true,
};
