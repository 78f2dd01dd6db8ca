/* SPDX-License-Identifier: MIT */
/* What a run of a flow answers (contracts/langflow-flows.md section 12). */
#ifndef FLOW_RESULT_H
#define FLOW_RESULT_H

#include "flow/component.h"

/* What was asked, kept for the whole run. */
typedef struct {
    const char *flow_id, *session_id, *user_id;
    const char *input_value, *output_type, *output_component;
    bool admin, stream;
} flow_call;

/* RunResponse: {"session_id","outputs":[{"inputs","outputs":[ResultData]}]}; new reference. */
json_t *flow_result(const graph *g, const flow_call *call);

#endif
