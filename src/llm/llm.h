/* SPDX-License-Identifier: MIT */
/*
 * Chat models: one request in, a stream of typed deltas out, whatever the provider speaks.
 *
 * Drivers (openai.c, anthropic.c, demo.c) only translate.  What is common is here: retries with jittered backoff before the
 * first delta, rotation and failover over several keys, error mapping, time limits per phase.
 *
 * Errors are recorded with one of these codes, and a text that is fit for the user and holds no secret:
 * "llm.rate_limit" "llm.quota" "llm.auth" "llm.model_not_found" "llm.context_length" "llm.content_filter" "llm.bad_request"
 * "llm.connection" "llm.unavailable" "llm.timeout" "llm.garbage" "llm.truncated" "llm.no_driver".
 */
#ifndef LLM_LLM_H
#define LLM_LLM_H

#include "base/json.h"
#include "rt/scope.h"

typedef enum { ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT, ROLE_TOOL } llm_role;

typedef struct {
    const char *id;
    const char *name;
    const char *arguments; /* JSON text of an object */
} llm_tool_call;

typedef struct {
    llm_role role;
    const char *text;      /* NULL or "" when there is none; with `parts`: ignored */
    json_t *parts;         /* OpenAI content parts ({"type":"text"|"image_url"|"input_audio",…}), or NULL */
    const char *reasoning; /* of an assistant message, or NULL */
    const char *thoughts;  /* the same as LLM_THOUGHT gave it: {"model":NAME,"blocks":[BLOCK,…]}, or NULL */
    const llm_tool_call *calls;
    size_t n_calls;
    const char *tool_call_id; /* of a tool message */
    bool failed;              /* the same: the tool says that it went wrong */
} llm_message;

/* The address of an image part, in any of the shapes that clients send; NULL when it is another part. */
const char *llm_part_image(const json_t *part);

typedef struct {
    const char *name;
    const char *description;
    json_t *parameters; /* JSON schema, borrowed */
} llm_tool;

/* Of one call.  A model that is late is asked once more at most, and only if the time for all attempts allows it; other
 * passing failures are tried again `max_attempts` times. */
typedef struct {
    int64_t answer;     /* until the answer begins, over all attempts and pauses: 5 min unless configured */
    int64_t connect;    /* each attempt: 10 s */
    int64_t first_byte; /* from the request sent to the first byte: 2 min */
    int64_t idle;       /* longest silence within the answer: 2 min */
    int max_attempts;   /* 8 */
} llm_limits;

/* What counts where a request says nothing; before the loops start.  What is 0 stays as it is. */
void llm_configure(const llm_limits *l);

typedef enum { THINKING_OFF, THINKING_ON } llm_thinking;
typedef enum { TOOL_CHOICE_NONE_SET, TOOL_CHOICE_AUTO, TOOL_CHOICE_REQUIRED } llm_tool_choice;

/* Where a model is and how to talk to it. */
typedef struct {
    const char *driver;      /* "openai", "anthropic", "demo" */
    const char *base_url;    /* "https://api.openai.com/v1" */
    const char *const *keys; /* at least one unless the server wants none; tried in turn */
    size_t n_keys;
    const char *model;
    bool private_ok;       /* configured by an administrator: may be on a private address */
    bool no_images;        /* image parts become text */
    bool no_structured;    /* response_format is not sent */
    json_t *params;        /* merged into the request as they are: max_tokens, temperature, top_p …; or NULL */
    const char *reasoning; /* how much its owner wants it to think: "disabled", "enabled" or a level; NULL: not said */
    int64_t max_model_len; /* tokens of context; 0: 128000 */
    int64_t max_input_len; /* tokens of one request; 0: not said */
} llm_endpoint;

typedef struct {
    llm_endpoint at;
    const llm_message *messages;
    size_t n_messages;
    const llm_tool *tools;
    size_t n_tools;
    llm_tool_choice tool_choice;
    json_t *response_format; /* or NULL */
    llm_thinking thinking;
    const char *thinking_level; /* "minimal" … "max", or NULL */
    llm_limits limits;          /* what is 0 is as configured */
    int64_t retry_base;         /* first pause; 0: 1 s */
} llm_request;

/* For requests of somebody who says nothing about thinking: as the endpoint is configured, else none. */
void llm_think_as_configured(llm_request *rq);

typedef struct {
    int64_t prompt, completion, total, cached, reasoning; /* tokens; 0 when not told */
} llm_usage;

/* LLM_THOUGHT: a whole block of reasoning as the provider wants it back while the model works with tools, signed or
 * encrypted: a JSON object to keep and not to look into.  What of it may be shown came as LLM_REASONING. */
typedef enum { LLM_TEXT, LLM_REASONING, LLM_THOUGHT, LLM_TOOL_CALL, LLM_USAGE, LLM_STOP } llm_delta_kind;

/* Strings are borrowed until the next call on the stream. */
typedef struct {
    llm_delta_kind kind;
    str text;              /* LLM_TEXT, LLM_REASONING, LLM_THOUGHT; the arguments fragment of LLM_TOOL_CALL */
    int64_t index;         /* LLM_TOOL_CALL: which call of the response */
    const char *id, *name; /* LLM_TOOL_CALL: in its first fragment, else NULL */
    llm_usage usage;       /* LLM_USAGE */
    const char *finish;    /* LLM_STOP: "stop", "length", "tool_calls", "content_filter" … */
    const char *sequence;  /* LLM_STOP: the stop sequence that was met; NULL: none, or the provider does not say */
} llm_delta;

typedef struct llm_stream llm_stream;

/* Sends the request and parks until the provider has begun to answer, retrying as said above.  The stream ends with `s`. */
MUST_USE err llm_open(scope *s, const llm_request *rq, llm_stream **out);

/* The next delta.  Parks.  ERR_CLOSED after the proper end, of which LLM_STOP is the last delta or the last but LLM_USAGE.
 * A stream that breaks off is ERR_UPSTREAM with code "llm.truncated". */
MUST_USE err llm_next(scope *s, llm_stream *st, llm_delta *out);
void llm_close(llm_stream *st); /* early; accepts NULL */

/* The model's name as the provider says, or as asked. */
const char *llm_stream_model(const llm_stream *st);

/* Everything at once: the whole text, for side calls and connection tests. */
MUST_USE err llm_complete(scope *s, const llm_request *rq, const char **text, llm_usage *usage);

/* What drivers there are, for lists of requesters and for checking configuration. */
typedef struct llm_driver llm_driver;
const llm_driver *llm_driver_find(const char *name); /* NULL when there is none */
const char *llm_driver_name(const llm_driver *d);
const llm_driver *const *llm_drivers(size_t *n);

/* The demo driver's pause between words; tests set it to 0. */
void llm_demo_set_delay(int64_t ns);

#endif
