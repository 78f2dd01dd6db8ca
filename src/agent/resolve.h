/* SPDX-License-Identifier: MIT */
/* From a request and a saved agent to one merged configuration and a model that can be called. */
#ifndef AGENT_RESOLVE_H
#define AGENT_RESOLVE_H

#include "agent/chat.h"
#include "model/provider.h"

/* A saved agent and a request, merged.  Lives in the scope that it was made in. */
typedef struct {
    const char *agent_id;    /* NULL: none */
    const char *agent_owner; /* NULL: none or ownerless */
    const char *agent_name;  /* of the conversation row */
    const char *mode;
    int64_t max_loops;
    const char *system_prefix;
    json_t *system_context; /* new object, held by the scope */
    const json_t *tools;    /* array of names; NULL or empty: all, unless only those named are meant */
    bool only_named_tools;
    const json_t *actions;     /* of integrations that it may call; NULL: it does not say */
    const json_t *attachments; /* ids of files of the agent's owner that the model is to know */
    const json_t *params;      /* for the model; NULL: none */
    bool thinking;             /* unless the message says otherwise */
    const char *provider_id;
    bool provider_of_agent;       /* chosen by the agent's owner, not by the caller */
    const char *fast_provider_id; /* NULL: none; the same of a cheaper model */
    bool fast_of_agent;
    const char *response_language;
} merged_config;

MUST_USE err resolve_config(scope *s, const chat_request *rq, merged_config *out);

/* The model to be called; strings and params live in `a`. */
MUST_USE err resolve_model(scope *s, arena *a, const chat_request *rq, const merged_config *m, llm_endpoint *out);

/* The cheaper model for side calls; without a driver when there is none, or the one that the agent names is gone. */
MUST_USE err resolve_fast_model(scope *s, arena *a, const chat_request *rq, const merged_config *m, llm_endpoint *out);

#endif
