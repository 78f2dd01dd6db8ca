/* SPDX-License-Identifier: MIT */
/*
 * Sandboxed JavaScript: runs one script in a process of its own and gives back what it returned.
 *
 * A script is the body of an async function (contracts/langdock.md section 3).  It runs in a warm, single-use runner process
 * without files and network (runner/); what it fetches goes through this server's guarded client.  Limits of time, memory and
 * size end only that process.  A script that throws, never settles or is killed is not an error of script_run(): the
 * outcome says so.
 */
#ifndef SCRIPT_SCRIPT_H
#define SCRIPT_SCRIPT_H

#include "base/json.h"
#include "base/str.h"
#include "rt/scope.h"

/* A file that the script sees as FileData in data.input[field] (section 3.7).  Bytes are sent only when it asks for them. */
typedef struct {
    const char *field; /* key of data.input */
    bool in_list;      /* the field holds an array; else the one file itself */
    const char *name, *mime;
    int64_t size;     /* bytes */
    int64_t modified; /* clock_wall() */
    const char *path; /* where the bytes are; a regular file that nobody else changes meanwhile */
} script_input_file;

typedef struct {
    const char *name;  /* for logs and metrics: "Helpdesk/find_tickets" */
    const char *owner; /* the user whose share of the processes it takes; NULL: the server's own */
    str code;
    bool check_only;            /* compile, do not run */
    json_t *input;              /* data.input, borrowed; NULL: {} */
    json_t *aliases;            /* {"deal_id":"dealId"}: more names of input keys, not enumerable; NULL: none */
    json_t *auth;               /* data.auth; NULL: {} */
    json_t *env;                /* env and data.env; NULL: {} */
    const char *last_poll_time; /* ISO, or NULL: undefined */
    bool warn_undeclared;       /* reading a key of data.input that is not there is noted in the logs (test runs) */
    const script_input_file *files;
    size_t n_files;
    /* Only these may be called: "api.example.org", "*.example.org"; n_hosts 0: any public one. */
    const char *const *hosts;
    size_t n_hosts;
    bool private_ok;      /* addresses that only an administrator may open up */
    int64_t wall_timeout; /* 0: the setting script.timeout (120 s) */
    size_t memory;        /* of the JavaScript heap, bytes; 0: the setting script.memory (128 MiB) */
} script_job;

/* A file that the script returned; the bytes are in a temporary file that is deleted with the scope. */
typedef struct {
    const char *name, *mime, *path;
    int64_t size, modified;
    json_t *at; /* what stands for it in `value`: {"fileName","mimeType","size"}; borrowed; may be added to */
} script_output_file;

typedef enum {
    SCRIPT_DONE,       /* returned: `value` */
    SCRIPT_THREW,      /* an exception or rejection: `message`, `stack` */
    SCRIPT_BAD_SYNTAX, /* did not compile: `message`, `line` (1: first line of the code) */
    SCRIPT_TIMED_OUT,  /* wall clock or CPU: "Execution timed out after 120 seconds" */
    SCRIPT_NO_MEMORY,
    SCRIPT_TOO_MUCH, /* output or logs or calls over their limits */
    SCRIPT_CRASHED,  /* the process ended otherwise */
} script_status;

typedef struct {
    script_status status;
    json_t *value;             /* of SCRIPT_DONE, never NULL then; held by the scope's arena */
    const char *message;       /* else: one sentence, fit for users */
    const char *stack;         /* or NULL */
    int64_t line;              /* 0: unknown */
    json_t *logs;              /* array of strings, in order; held by the arena; never NULL */
    script_output_file *files; /* of SCRIPT_DONE */
    size_t n_files;
    int64_t duration;  /* ns from the start of the code to its end */
    bool unauthorized; /* some request of it was answered with 401 */
    int64_t requests;  /* how many it made that were sent */
} script_outcome;

/* Parks until the script has ended.  OK whatever became of the script.  ERR_UNSUPPORTED, code "script.unavailable": this server has
 * no runner (the text says how to get one).  ERR_BUSY, code "script.busy": too many run and wait.  ERR_TIMEOUT and
 * ERR_CANCELLED: `s` ended; the process is gone then. */
MUST_USE err script_run(scope *s, const script_job *job, script_outcome *out);

/* At start, before the loops run.  Members that are 0 or NULL keep their defaults. */
typedef struct {
    const char *runner; /* path of the executable; NULL: "sluice-script" beside the server's own, then in PATH */
    size_t pool;        /* warm processes, over all loops; default 4, at least one a loop */
    /* Scripts at once: default 32, each loop its share.  More wait in line, at most `max_waiting`.  No user has more than three
     * quarters of either. */
    size_t max_running;
    size_t max_waiting;   /* default 1000 */
    int64_t wall_timeout; /* default 120 s */
    int64_t cpu_timeout;  /* seconds of CPU, default 120 */
    size_t memory;        /* default 128 MiB */
    size_t held;          /* bytes of requests, responses and files in memory, over all runs; default 512 MiB */
    bool allow_private;   /* SLUICE_ALLOW_PRIVATE_NETWORKS */
} script_settings;
void script_configure(const script_settings *set);

/* Starts warming the pool of this loop in the background; returns at once.  On each loop, once. */
void script_pool_open(void);
void script_pool_close(void); /* kills what waits; running scripts end with their scopes */

/* Whether scripts can run here; when not, *why says how to mend it.  Starts a process and waits: not for a loop's thread. */
bool script_available(const char **why);

#endif
