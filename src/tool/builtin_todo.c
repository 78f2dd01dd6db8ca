/* SPDX-License-Identifier: MIT */
/*
 * todo_write and todo_read: the task list of a conversation.
 *
 * It is a Markdown file in the workspace, TODO_LIST_<session>.md, one task a line, so that people can read it too:
 *
 *     - [-] write the parser (ID: t2) (Created: 2026-01-05T10:00:00) (Updated: …) (Conclusion: …)
 *
 * A list lives as long as its conversation; it goes away when every task is completed.
 */
#include "tool/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"

enum { TASKS_MAX = 200, TEXT_MAX = 2000, ID_MAX = 80 };

typedef enum { PENDING, IN_PROGRESS, COMPLETED } task_status;

typedef struct {
    const char *id, *name, *created, *updated, *conclusion; /* conclusion may be NULL */
    task_status status;
} task;

typedef struct {
    task items[TASKS_MAX];
    size_t n;
} task_list;

static const char *const status_names[] = {"pending", "in_progress", "completed"};
static const char status_marks[] = " -x";

/* Models have many words for the three. */
static const struct {
    const char *word;
    task_status status;
} synonyms[] = {
    {"pending", PENDING},
    {"todo", PENDING},
    {"to_do", PENDING},
    {"open", PENDING},
    {"not_started", PENDING},
    {"waiting", PENDING},
    {"new", PENDING},
    {"in_progress", IN_PROGRESS},
    {"in-progress", IN_PROGRESS},
    {"doing", IN_PROGRESS},
    {"started", IN_PROGRESS},
    {"active", IN_PROGRESS},
    {"running", IN_PROGRESS},
    {"working", IN_PROGRESS},
    {"in progress", IN_PROGRESS},
    {"completed", COMPLETED},
    {"complete", COMPLETED},
    {"done", COMPLETED},
    {"finished", COMPLETED},
    {"closed", COMPLETED},
    {"cancelled", COMPLETED},
    {"canceled", COMPLETED},
};

static bool parse_status(const char *word, task_status *out)
{
    for (size_t i = 0; i < COUNT(synonyms); i++) {
        if (str_is_nocase(str_trim(str_of(word)), synonyms[i].word)) {
            *out = synonyms[i].status;
            return true;
        }
    }
    return false;
}

/* A session id is somebody's text: only its plain characters become part of the name. */
static const char *list_path(arena *a, const char *session_id)
{
    char *name = arena_printf(a, "TODO_LIST_%.100s.md", session_id);

    for (char *p = name + strlen("TODO_LIST_"); *p != '\0'; p++)
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.", *p) == NULL)
            *p = '_';
    return name;
}

static char *one_line(arena *a, const char *text, size_t max)
{
    str cut = utf8_prefix(str_trim(str_of(text)), max);
    char *out = arena_strndup(a, cut.p, cut.len);

    for (char *p = out; *p != '\0'; p++)
        if (*p == '\n' || *p == '\r' || *p == '\t')
            *p = ' ';
    return out;
}

/* The last field is found from the line's end, so nothing in it may look like its beginning. */
static const char *conclusion_line(arena *a, const char *text)
{
    char *line = one_line(a, text, TEXT_MAX);

    for (char *p = line; (p = strstr(p, "(Conclusion: ")) != NULL; p++)
        *p = '[';
    return line;
}

/* Takes " (Name: value)" off the end of the line; NULL when it does not end so.  The value may hold parentheses. */
static const char *take_field(arena *a, str *line, const char *name)
{
    const char *opening = arena_printf(a, " (%s: ", name);
    size_t len = strlen(opening);
    str value;

    if (line->len < len + 1 || line->p[line->len - 1] != ')')
        return NULL;
    for (size_t at = line->len - len - 1; at + 1 > 0; at--) {
        if (memcmp(line->p + at, opening, len) != 0)
            continue;
        value = (str){line->p + at + len, line->len - at - len - 1};
        line->len = at;
        return str_dup(a, value);
    }
    return NULL;
}

static bool parse_line(arena *a, str line, task *t)
{
    const char *mark;

    line = str_trim(line);
    if (line.len < 7 || !str_starts(line, "- [") || line.p[4] != ']' ||
        (mark = strchr(status_marks, line.p[3])) == NULL || *mark == '\0')
        return false;
    *t = (task){.status = (task_status)(mark - status_marks)};
    t->conclusion = take_field(a, &line, "Conclusion");
    t->updated = take_field(a, &line, "Updated");
    t->created = take_field(a, &line, "Created");
    t->id = take_field(a, &line, "ID");
    t->name = str_dup(a, str_trim((str){line.p + 5, line.len - 5}));
    if (t->created == NULL)
        t->created = "";
    if (t->updated == NULL)
        t->updated = t->created;
    return t->id != NULL && t->id[0] != '\0';
}

static int load(work *w, const char *rel, task_list *l)
{
    str text = {"", 0}, line;
    int e = workspace_read(w->a, &w->ws, rel, MIB(2), &text);

    if (e < 0)
        return e == -ENOENT ? 0 : e;
    if (!utf8_valid(text.p, text.len))
        return 0;
    while (l->n < TASKS_MAX && str_next(&text, '\n', &line))
        l->n += parse_line(w->a, line, &l->items[l->n]);
    return 0;
}

static size_t unfinished(const task_list *l)
{
    size_t n = 0;

    for (size_t i = 0; i < l->n; i++)
        n += l->items[i].status != COMPLETED;
    return n;
}

static int store(work *w, const char *rel, const task_list *l)
{
    buf *b = buf_new(w->a, MIB(2));
    int e;

    if (unfinished(l) == 0) {
        e = workspace_remove(&w->ws, rel);
        return e == -ENOENT ? 0 : e;
    }
    for (size_t i = 0; i < l->n; i++) {
        const task *t = &l->items[i];

        buf_printf(b, "- [%c] %s (ID: %s) (Created: %s) (Updated: %s)", status_marks[t->status], t->name, t->id,
                   t->created, t->updated);
        if (t->conclusion != NULL && t->conclusion[0] != '\0')
            buf_printf(b, " (Conclusion: %s)", t->conclusion);
        buf_putc(b, '\n');
    }
    return buf_ok(b) ? workspace_write(&w->ws, rel, buf_str(b), b->len) : -EFBIG;
}

static task *find_task(task_list *l, const char *id)
{
    for (size_t i = 0; i < l->n; i++)
        if (cstr_eq(l->items[i].id, id))
            return &l->items[i];
    return NULL;
}

static const char *now_text(arena *a)
{
    char *text = clock_iso_local(a, clock_wall() / 1000000 * 1000000);

    return text;
}

/* The task's new state in *t; NULL, or why not. */
static json_t *change_task(work *w, const json_t *v, task *t)
{
    const char *content = json_get_str(v, "content", NULL), *status = json_get_str(v, "status", NULL);
    const char *conclusion = json_get_str(v, "conclusion", NULL);

    if (!cstr_blank(content))
        t->name = one_line(w->a, content, TEXT_MAX);
    if (t->name == NULL)
        return tool_failure("INVALID_ARGUMENT", "The new task '%s' needs content", t->id);
    if (status != NULL && !parse_status(status, &t->status))
        return tool_failure("INVALID_ARGUMENT", "status must be pending, in_progress or completed, not '%s'", status);
    if (conclusion != NULL)
        t->conclusion = conclusion_line(w->a, conclusion);
    t->updated = now_text(w->a);
    return NULL;
}

static json_t *merge_task(work *w, task_list *l, const json_t *v, size_t *added, size_t *updated)
{
    const json_t *given = json_object_get(v, "id");
    const char *id = json_is_string(given) ? one_line(w->a, json_string_value(given), ID_MAX) : "";
    task fresh = {.status = PENDING}, *old;
    json_t *problem;

    if (json_is_integer(given))
        id = arena_printf(w->a, "%lld", (long long)json_integer_value(given));
    if (id[0] == '\0' || strpbrk(id, "()") != NULL)
        return tool_failure("INVALID_ARGUMENT", "Each task needs an id of its own, without parentheses");
    old = find_task(l, id);
    fresh = old != NULL ? *old : (task){.id = id, .created = now_text(w->a)};
    if ((problem = change_task(w, v, &fresh)) != NULL)
        return problem;
    if (old == NULL && l->n == TASKS_MAX)
        return tool_failure("INVALID_ARGUMENT", "A list has at most %d tasks", TASKS_MAX);
    *(old != NULL ? old : &l->items[l->n++]) = fresh;
    *(old != NULL ? updated : added) += 1;
    return NULL;
}

static json_t *list_json(arena *a, const task_list *l, size_t added, size_t updated)
{
    json_t *o = json_object(), *tasks = json_array();

    for (size_t i = 0; i < l->n; i++) {
        json_t *one = json_object();

        json_set_int(one, "index", (int64_t)i + 1);
        json_set_str(one, "id", l->items[i].id);
        json_set_str(one, "name", l->items[i].name);
        json_set_str(one, "status", status_names[l->items[i].status]);
        json_array_append_new(tasks, one);
    }
    json_set_str(o, "summary",
                 arena_printf(a, "Task list updated. Added: %zu, updated: %zu, currently unfinished: %zu.", added,
                              updated, unfinished(l)));
    json_set(o, "tasks", tasks);
    return o;
}

static json_t *no_session(void)
{
    return tool_failure("PRECONDITION_FAILED", "A task list belongs to a conversation, and this call has none");
}

static json_t *merge_all(work *w, const char *rel)
{
    const json_t *given = json_get_arr(w->args, "tasks");
    task_list *l = arena_one(w->a, task_list);
    size_t added = 0, updated = 0, i;
    json_t *v, *problem;
    int e = load(w, rel, l);

    if (e < 0)
        return tool_path_failure(e, rel);
    if (json_array_size(given) == 0)
        return tool_failure("INVALID_ARGUMENT", "tasks must be a list of at least one task");
    json_array_foreach(given, i, v) if ((problem = merge_task(w, l, v, &added, &updated)) != NULL) return problem;
    if ((e = store(w, rel, l)) < 0)
        return tool_path_failure(e, rel);
    return list_json(w->a, l, added, updated);
}

static json_t *work_todo_write(work *w)
{
    json_t *o;

    if (w->cx->session_id == NULL)
        return no_session();
    workspace_lock(&w->ws);
    o = merge_all(w, list_path(w->a, w->cx->session_id));
    workspace_unlock(&w->ws);
    return o;
}

static const param write_params[] = {
    {"tasks", "array", "New tasks and changed ones; tasks that are left out stay as they are", .required = true,
     .extra = "{\"items\":{\"type\":\"object\",\"properties\":{"
              "\"id\":{\"type\":\"string\",\"description\":\"Short and unique, such as t1\"},"
              "\"content\":{\"type\":\"string\",\"description\":\"What is to be done; needed for a new task\"},"
              "\"status\":{\"type\":\"string\",\"enum\":[\"pending\",\"in_progress\",\"completed\"]},"
              "\"conclusion\":{\"type\":\"string\",\"description\":\"What came out, when completed\"}},"
              "\"required\":[\"id\"]}}"},
};

const builtin builtin_todo_write = {
    .name = "todo_write",
    .text =
        "Creates the task list of this conversation or changes tasks in it. Send only what is new or changed; keep one "
        "task in progress at a time.",
    PARAMS(write_params),
    .work = work_todo_write,
    .baseline = true,
};

/* A JSON string: the text of the unfinished tasks, empty when there are none. */
static json_t *work_todo_read(work *w)
{
    task_list *l = arena_one(w->a, task_list);
    buf *b = buf_new(w->a, MIB(2));
    int e;

    if (w->cx->session_id == NULL)
        return no_session();
    if ((e = load(w, list_path(w->a, w->cx->session_id), l)) < 0)
        return tool_path_failure(e, "TODO_LIST");
    for (size_t i = 0; i < l->n; i++)
        if (l->items[i].status != COMPLETED)
            buf_printf(b, "%s- [%c] %s (ID: %s, %s)", b->len > 0 ? "\n" : "", status_marks[l->items[i].status],
                       l->items[i].name, l->items[i].id, status_names[l->items[i].status]);
    return json_stringn(buf_str(b), b->len);
}

static err call_todo_read(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    json_t *v;

    (void)t;
    TRY(work_run(s, cx, args, NO_LIMIT, work_todo_read, &v));
    if (!json_is_string(v))
        return answer_json(s, v, out);
    json_hold(s->arena, v);
    return answer_text(s, json_string_length(v) > 0 ? json_string_value(v) : "There are no unfinished tasks.", out);
}

err tool_todo_text(scope *s, arena *a, const tool_context *cx, const char **out)
{
    json_t *v;

    *out = NULL;
    if (cx->workspace == NULL || cx->session_id == NULL)
        return OK;
    TRY(work_run(s, cx, NULL, NO_LIMIT, work_todo_read, &v));
    if (json_is_string(v) && json_string_length(v) > 0)
        *out = arena_strdup(a, json_string_value(v));
    json_decref(v);
    return OK;
}

static json_t *work_todo_list(work *w)
{
    task_list *l = arena_one(w->a, task_list);
    json_t *all;
    int e = load(w, list_path(w->a, w->cx->session_id), l);

    if (e < 0)
        return tool_path_failure(e, "TODO_LIST");
    all = json_array();
    for (size_t i = 0; i < l->n; i++) {
        const task *t = &l->items[i];
        json_t *one = json_object();

        json_set_str(one, "id", t->id);
        json_set_str(one, "content", t->name);
        json_set_str(one, "status", status_names[t->status]);
        json_set_bool(one, "completed", t->status == COMPLETED);
        json_set_str(one, "created_at", t->created);
        json_set_str(one, "updated_at", t->updated);
        json_set_str(one, "conclusion", t->conclusion);
        json_array_append_new(all, one);
    }
    return all;
}

err tool_todo_list(scope *s, const tool_context *cx, json_t **out)
{
    TRY(work_run(s, cx, NULL, NO_LIMIT, work_todo_list, out));
    if (!json_is_array(*out)) { /* no workspace, no list */
        json_decref(*out);
        *out = json_array();
    }
    return OK;
}

static json_t *work_todo_forget(work *w)
{
    int e = workspace_remove(&w->ws, list_path(w->a, w->cx->session_id));

    return e < 0 && e != -ENOENT ? tool_path_failure(e, "TODO_LIST") : json_true();
}

err tool_todo_forget(scope *s, const tool_context *cx)
{
    json_t *done;

    TRY(work_run(s, cx, NULL, NO_LIMIT, work_todo_forget, &done));
    json_decref(done);
    return OK;
}

const builtin builtin_todo_read = {
    .name = "todo_read",
    .text = "Lists the unfinished tasks of this conversation.",
    .call = call_todo_read,
    .baseline = true,
};
