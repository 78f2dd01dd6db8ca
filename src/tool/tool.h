/* SPDX-License-Identifier: MIT */
/*
 * The one tool registry: everything that a model can call, wherever it comes from.
 *
 * A tool has a name, a JSON schema, a source and an owner.  Built-in tools are static rows; other kinds (MCP servers,
 * integration actions, flows, agents, knowledge bases) come from sources that register themselves here.  Owner and scope
 * checks are done here, so that no face is a way around another.
 */
#ifndef TOOL_TOOL_H
#define TOOL_TOOL_H

#include "base/json.h"
#include "rt/scope.h"

typedef enum { TOOL_BUILTIN, TOOL_MCP, TOOL_ACTION, TOOL_FLOW, TOOL_AGENT, TOOL_KNOWLEDGE } tool_kind;

typedef struct tool tool;
typedef struct tool_session tool_session;

/* For whom and where a call runs.  All borrowed for the length of the call. */
typedef struct {
    const char *user_id; /* NULL: anonymous; sees built-in tools only */
    bool admin;
    const char *session_id; /* of the conversation; NULL outside one */
    const char *agent_id;   /* NULL outside an agent */
    const char *workspace;  /* absolute directory that file and shell tools may touch; NULL: they refuse */
    const char *language;   /* "en", "zh", "pt" */
    json_t *system_context; /* of the run; a declared parameter that is a key here gets its value; may be NULL */
    /* The integration actions that the agent names; only they may be called: an array of {"actionId", "requiresConfirmation",
     * "connectionId"}, of which the last two may be absent.  NULL: it does not say. */
    const json_t *actions;
    bool multimodal; /* the model takes images */
    bool confirmed;  /* a person asked for this very call: actions that want a confirmation run only then */
    tool_session
        *session; /* state over the calls of one run: shell tasks, pending images; NULL: one is made for the call */
    const char *call_id; /* of the model's call, or NULL */
    /* Live output while the call runs (stream "stdout", "stderr" or "info"); NULL: nobody watches. */
    void (*progress)(void *arg, const char *stream, const char *text, size_t len);
    void *progress_arg;
} tool_context;

/* What came out: the text that the model sees.  Objects and lists are JSON text, strings are as they are. */
typedef struct {
    const char *text; /* in the arena of the scope of the call; valid UTF-8; within the output limit */
    json_t *value;    /* the same as JSON, borrowed; NULL when the result is plain text */
    bool failed;      /* the tool says that it did not work (contracts/sage-agent-runtime.md section 6.4) */
} tool_result;

/* What a tool says in another language than English. */
typedef struct {
    const char *language;    /* "zh", "pt" */
    const char *description; /* NULL: the tool's own */
    json_t *parameters;      /* the same schema with texts of that language */
} tool_translation;

struct tool {
    const char *name;
    const char *description;
    const tool_translation *translations;
    size_t n_translations;
    json_t *parameters; /* JSON schema of an object: {"type":"object","properties":{…},"required":[…]} */
    tool_kind kind;
    const char *source; /* shown in lists: "basic", the MCP server's name, the integration's name … */
    const char *owner;  /* user id, or NULL: everybody's */
    int64_t timeout;    /* of one call; 0: 5 min */
    bool explicit_only; /* offered only when an agent names it */
    bool baseline;      /* always offered when allowed (section 6.2) */
    bool hidden;        /* not in GET /api/tools: runtime protocol tools */
    /* OK with a result even when the tool failed in its own terms; an error when it could not be run. */
    err (*call)(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out);
    const void *data; /* the source's */
};

/* Where tools of one kind come from.  Functions run in the caller's fiber and may park; what they return lives in `a`. */
typedef struct {
    tool_kind kind;
    err (*list)(scope *s, arena *a, const tool_context *cx, void (*add)(void *arg, const tool *t), void *arg);
    err (*find)(scope *s, arena *a, const tool_context *cx, const char *name, const tool **out); /* ERR_NOT_FOUND */
} tool_source;
void tool_register_source(const tool_source *src); /* at start, before the loops run; `src` is kept */
void tool_setup(void);                             /* builds the built-in tools' schemas; at start, once */

/* How tools behave on this server.  A member that is 0 keeps its default.  At start, before the loops run. */
typedef struct {
    int64_t result_tokens;   /* what a model sees of one result at most; 12000 */
    int64_t shell_cpu;       /* seconds of CPU time for each process of a command; 300 */
    int64_t shell_memory;    /* bytes of address space for each process; 4 GiB */
    int64_t shell_processes; /* at once in one sandbox; 512 */
    bool shell_network;      /* commands may use the network; default no */
} tool_settings;
void tool_configure(const tool_settings *set);

/* Whether commands can be sandboxed on this machine.  When not, *why is a sentence that says how to mend it.  The first
 * call starts a child and waits for it (some 10 ms): not for a loop's thread.  From any thread. */
bool tool_sandbox_available(const char **why);

/* Finds what was said earlier in the caller's conversations, for search_memory: an array of {"role","content_preview",
 * "timestamp"}, new reference.  Installed by whoever keeps conversations; without it only files are searched. */
typedef err (*history_search)(scope *s, const tool_context *cx, const char *query, size_t top_k, json_t **out);
void tool_set_history_search(history_search fn);

/* The unfinished tasks of the conversation's list, as text for the prompt; NULL when there are none.  In `a`.  Parks. */
MUST_USE err tool_todo_text(scope *s, arena *a, const tool_context *cx, const char **out);

/* The whole list, finished tasks too: an array of {"id","content","status","completed","created_at","updated_at",
 * "conclusion"}, new reference; empty when there is none.  Only workspace and session_id are looked at.  Parks. */
MUST_USE err tool_todo_list(scope *s, const tool_context *cx, json_t **out);

/* The conversation is gone, and its list with it.  Parks. */
MUST_USE err tool_todo_forget(scope *s, const tool_context *cx);

/* An image of the workspace (a path, or a file: URL) as a data URL in `s`'s arena; NULL, and a sentence in *why, when it
 * is none, too large or outside.  An error only when `s` ended.  Parks. */
MUST_USE err tool_image_url(scope *s, const tool_context *cx, const char *path, const char **url, const char **why);

/* What is in the workspace, as a tree of `depth` levels with at most `per_dir` entries of each directory, a line each; NULL when it
 * is empty.  In `a`.  Parks. */
MUST_USE err tool_workspace_tree(scope *s, arena *a, const tool_context *cx, int depth, int per_dir, const char **out);

/* All tools that `cx` may see, by name, built-in ones first where names collide. */
MUST_USE err tool_list(scope *s, arena *a, const tool_context *cx, const tool ***out, size_t *n);

/* ERR_NOT_FOUND (code "tool.not_found") also when it exists but is not the caller's to use. */
MUST_USE err tool_find(scope *s, arena *a, const tool_context *cx, const char *name, const tool **out);

/*
 * Runs a tool: checks required parameters, drops nulls, coerces to the schema's types, overrides parameters from the system
 * context, keeps `session_id` and `user_id` away from the model, limits time, and cuts the output to the token limit
 * without breaking JSON.  OK with a result whatever the tool did; an error only when `s` ended.
 */
MUST_USE err tool_call(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out);

/* The manager's own error results (section 6.4): {"error":true,"status":"error","error_type":…,"message":…,"tool_name":…,…}. */
void tool_error_result(scope *s, const char *tool_name, const char *error_type, const char *message, tool_result *out);

/* What a tool says in a language ("zh", "pt-BR", "en"; NULL: English), in English where there is no translation.  Borrowed. */
const char *tool_description(const tool *t, const char *language);
json_t *tool_parameters(const tool *t, const char *language);

/* The schema for lists, with every language's text of a property under "description_i18n"; new reference. */
json_t *tool_listing(const tool *t, const char *language);

/* The definition as a model sees it: {"type":"function","function":{"name","description","parameters","strict":false}}, new
 * reference; `session_id` and `user_id` left out (section 4, "Tool specs"). */
json_t *tool_spec(const tool *t, const char *language);

/* State over the calls of one run.  Closing kills what still runs in the background. */
tool_session *tool_session_new(scope *s);

/* Notes for the next model request (finished background commands), as text; NULL when there is none.  In `a`. */
const char *tool_session_take_note(tool_session *ts, arena *a);

/* Image parts queued by analyze_image for the next request: data URLs; NULL at the end. */
const char *tool_session_take_image(tool_session *ts, arena *a);

#endif
