/* SPDX-License-Identifier: MIT */
/*
 * What llm.c and the drivers share: the stream, the driver's functions, and how providers' errors become ours.
 */
#ifndef LLM_LLM_INTERNAL_H
#define LLM_LLM_INTERNAL_H

#include "llm/llm.h"
#include "net/client.h"
#include "net/sse.h"

enum {
    CALLS_MAX = 128,      /* tool calls in one response */
    DROPPED_MAX = 6,      /* parameters that a provider does not know */
    BODY_MAX = 256 << 20, /* of a request: images are inline */
    LLM_HEADERS_MAX = 4
};

/* What was learned about a provider and model: parameters that it refused. */
typedef struct {
    const char *dropped[DROPPED_MAX];
    bool passing[DROPPED_MAX]; /* not to be remembered */
    size_t n_dropped;
    bool completion_tokens; /* wants max_completion_tokens instead of max_tokens */
} llm_quirks;

/* One tool call of the response so far, to tell new ones from fragments. */
typedef struct {
    int64_t wire_index;
    const char *wire_id; /* as the provider says; NULL: it has not */
    const char *id;      /* as handed out: no two calls of a response share one */
    const char *name;    /* NULL: it has not come, and nothing was handed out */
    int64_t index;       /* as handed out: in the order of beginning, without gaps */
    bool filled;         /* an arguments fragment has come */
} call_state;

struct llm_stream {
    scope *own; /* child of the opener's: everything here dies with it */
    const llm_driver *driver;
    http_stream *http;
    sse_reader *sse;
    arena *event;     /* what the queued deltas point into; NULL while none had to be parsed */
    llm_delta *queue; /* of one event */
    size_t n_queue, cap_queue, taken;
    buf text; /* of the delta that was read without a JSON document */
    call_state *calls;
    size_t n_calls, cap_calls;
    int64_t n_begun; /* calls that were handed out */
    const char *model;
    llm_usage usage;
    bool has_usage;
    bool stopped; /* LLM_STOP was queued */
    bool ended;   /* at the proper end */
    err error;    /* that ended it otherwise */
    bool got_event;
    bool got_model;
    bool spoke;                 /* a delta was queued */
    const llm_request *request; /* for error texts: a copy that lives as long as the stream */
    bool whole;                 /* the answer is one JSON document instead of a stream */
    void *data;                 /* the driver's */
};

struct llm_driver {
    const char *name;

    /* Over HTTP.  `url` and `headers` in `a`; the body does not depend on the key. */
    const char *(*url)(arena *a, const llm_endpoint *at);
    size_t (*headers)(arena *a, const char *key, http_header out[LLM_HEADERS_MAX]);
    void (*body)(scope *s, const llm_request *rq, const llm_quirks *q, buf *out);
    err (*event)(scope *s, llm_stream *st, const sse_event *ev); /* queues deltas */

    /* In this process, instead: `step` queues deltas or calls stream_end(); may park. */
    err (*start)(scope *s, llm_stream *st, const llm_request *rq);
    err (*step)(scope *s, llm_stream *st);
};

extern const llm_driver openai_driver;
extern const llm_driver anthropic_driver;
extern const llm_driver demo_driver;

/* --- stream.c: for drivers --- */

arena *stream_memory(llm_stream *st); /* until the next event */
void stream_push(llm_stream *st, llm_delta d);
void stream_text(llm_stream *st, llm_delta_kind kind, str text); /* nothing when empty */
/* `sequence`: see llm_delta, or NULL.  Only the first call counts. */
void stream_stop(llm_stream *st, const char *finish, const char *sequence);
void stream_end(llm_stream *st); /* queues what is missing of stop and usage */

/* Queues one fragment of a tool call.  `id` and `name` as the provider sends them: NULL or "" in later fragments, or again
 * the same.  A call is handed out when its name has come, or arguments without one. */
MUST_USE err stream_call(scope *s, llm_stream *st, int64_t wire_index, const char *id, const char *name, str arguments);

/* Reads on until something is queued or the stream has ended.  ERR_TIMEOUT: the scope's, or silence for too long. */
MUST_USE err stream_advance(scope *s, llm_stream *st);

/* --- fault.c --- */

/* What a failed answer means. */
typedef struct {
    const char *code;      /* "llm.rate_limit" … */
    const char *detail;    /* the provider's own sentence, without secrets, or NULL */
    const char *parameter; /* that the provider does not know, or NULL; static or in the arena */
    bool passing;          /* it may be taken in another request */
    bool retry;            /* the same request may work later */
    bool other_key;        /* another key may work now */
} llm_fault;

/* Reads an HTTP status and body (JSON or not), or with status 0 an error object from the middle of a stream. */
llm_fault fault_read(arena *a, const llm_request *rq, int status, str body);
llm_fault fault_of_json(arena *a, const llm_request *rq, int status, const json_t *v);

/* Records it; ERR_UPSTREAM always. */
err fault_fail(scope *s, const llm_fault *f, const char *model);

/* The same for the codes that are found here and not by a provider. */
err fault_code(scope *s, const char *code, const char *model);

/* Turns what the HTTP client recorded in `s` into one of our codes.  Not for a time limit that passed. */
err fault_of_http(scope *s, err e, const char *model, bool begun);

/* Nothing came for so long: at the beginning of the answer, at this attempt; or in the middle of it (0 attempts).
 * `setting` would have allowed more. */
err fault_late(scope *s, const char *model, int64_t waited, int attempts, const char *setting);

/* Whether another attempt may work after `s` failed with a code of ours. */
bool fault_retries(const scope *s);

/* --- quirks.c --- */

/* Adds what `f` teaches; false when there is nothing to change or too much was changed already. */
bool quirks_learn(arena *a, llm_quirks *q, const llm_fault *f);
bool quirks_drop(const llm_quirks *q, const char *parameter);

/* Kept per process for base URL and model, for an hour. */
void quirks_recall(arena *a, const llm_endpoint *at, llm_quirks *q);
void quirks_remember(const llm_endpoint *at, const llm_quirks *q);

/* --- scan.c --- */

/* The common chunk of a chat completion: one choice with a piece of text and nothing else of interest.  False when it is
 * anything unusual.  `*text` points into `data`, or into `room` when there were escapes. */
bool scan_text_chunk(str data, buf *room, str *text, str *model);

/* --- message.c: parts of messages --- */

/* Calls text() and image() for each part in order.  With `no_images`, images are text. */
typedef struct {
    void (*text)(void *arg, const char *text);
    void (*image)(void *arg, const json_t *part, const char *url);
    void *arg;
} part_visitor;
void message_visit(arena *a, const llm_message *m, bool no_images, const part_visitor *v);

#endif
