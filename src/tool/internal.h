/* SPDX-License-Identifier: MIT */
/*
 * What the built-in tools share: their rows, how they answer, and work on pool threads.
 *
 * A built-in tool is one row: name, text, parameters as data, and a function.  Tools that only touch files have a `work`
 * function, which runs on a pool thread and may block; the others have a `call` function, which runs in the caller's fiber.
 */
#ifndef TOOL_INTERNAL_H
#define TOOL_INTERNAL_H

#include <stdatomic.h>

#include "tool/tool.h"
#include "tool/workspace.h"

typedef struct {
    const char *name;
    const char *type; /* of JSON schema */
    const char *text;
    bool required;
    bool nullable;        /* null means something and is not dropped */
    const char *fallback; /* JSON text of the default; NULL: null */
    const char *extra;    /* further members of the schema, a JSON object; or NULL */
} param;

/* One file tool's call on a pool thread.  Everything in it is the thread's own until the function returns. */
typedef struct {
    arena *a;
    const tool_context *cx;
    workspace ws;
    json_t *args;
    int64_t deadline; /* clock_mono() value */
    atomic_bool stop; /* the call was cancelled: end soon, the result is not read */
} work;

typedef struct {
    const char *name;
    const char *text;
    const param *params;
    size_t n_params;
    json_t *(*work)(work *w); /* new reference */
    err (*call)(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out);
    int64_t timeout;
    bool explicit_only, baseline, hidden;
} builtin;

#define PARAMS(array) .params = (array), .n_params = COUNT(array)

extern const builtin builtin_file_read, builtin_file_write, builtin_file_update, builtin_apply_patch, builtin_grep,
    builtin_glob, builtin_list_dir, builtin_execute_shell_command, builtin_await_shell, builtin_kill_shell,
    builtin_fetch_webpages, builtin_analyze_image, builtin_search_memory, builtin_todo_write, builtin_todo_read,
    builtin_questionnaire_async, builtin_turn_status, builtin_tool_expand_tools, builtin_get_current_time;

/* language_texts.c: one text of a built-in tool in the other languages.  `path` names a parameter ("tasks", "tasks.id"); NULL: the
 * tool itself.  `tool` NULL: of every tool. */
typedef struct {
    const char *tool, *path;
    const char *zh, *pt;
} tool_text;
extern const tool_text tool_texts[];
extern const size_t tool_texts_count;

/* language.c: the translations of a built-in tool, whose schema is there already.  Kept as long as the process. */
enum { TOOL_LANGUAGES = 2 };
void tool_translate(const tool *t, tool_translation out[TOOL_LANGUAGES]);

/* The largest file that tools read or write. */
enum { FILE_LIMIT = 20 << 20 };

/* {"success":false,"status":"error","error_code":code,"error":text,"message":text}, new reference. */
json_t *tool_failure(const char *code, const char *format, ...) PRINTF(2, 3);

/* The same for a negative errno of workspace.h and the path as it was given. */
json_t *tool_path_failure(int error, const char *path);

/* A string argument, or `fallback`; for arguments whose type was checked. */
const char *arg_str(const json_t *args, const char *name, const char *fallback);

/* Somebody else's bytes as text: what is not UTF-8, and NUL, becomes U+FFFD. */
str text_repair(arena *a, str bytes);

/* Answers.  `answer_json` steals the reference. */
err answer_json(scope *s, json_t *owned, tool_result *out);
err answer_text(scope *s, const char *text, tool_result *out);

/* Runs fn on a pool thread with the workspace open.  `limit` bounds it beside the scope's own deadline. */
MUST_USE err work_run(scope *s, const tool_context *cx, json_t *args, int64_t limit, json_t *(*fn)(work *w),
                      json_t **out);
bool work_over(const work *w); /* cancelled or out of time */
bool work_ask_over(void *w);   /* the same, for pattern.h and patch_text.h */

/* call.c's parts. */
json_t *args_prepare(const tool *t, const tool_context *cx, const json_t *given); /* new reference */
json_t *args_check(const tool *t, const json_t *given, const json_t *args); /* NULL, or the failure: new reference */
json_t *value_coerce(json_t *v, const json_t *schema, int depth);           /* new reference */
int64_t tokens_estimate(const char *text, size_t len);
char *text_cut(arena *a, const char *text, int64_t limit);
json_t *value_cut(const json_t *v, int64_t limit); /* new reference, its text within the limit */
const tool_settings *tool_settings_now(void);

/* image.c: {"format","url"} or the failure, new reference.  `shown` and `given` name the image in it. */
enum { IMAGE_MAX = 20 << 20 };                    /* bytes that are read */
enum { IMAGE_URL_MOST = (8 << 20) / 3 * 4 + 64 }; /* characters that a model is sent */
json_t *image_encode(arena *a, str bytes, const char *shown);

/* Makes it smaller when it is large; what stays too large becomes the failure.  Takes and gives a reference.  Parks. */
MUST_USE err image_shrink(scope *s, const char *shown, json_t **image);
MUST_USE err image_of_workspace(scope *s, const tool_context *cx, const char *given, json_t **out);

/* session.c */
scope *session_scope(tool_session *ts);
void session_note(tool_session *ts, const char *text);
bool session_queue_image(tool_session *ts, const char *data_url); /* false when too many wait */
list_link *session_tasks(tool_session *ts);
size_t *session_starting(tool_session *ts); /* commands that are not among the tasks yet */
size_t session_next_id(tool_session *ts);

#endif
