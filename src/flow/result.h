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

/* Writes a RunResponse: {"session_id","outputs":[{"inputs","outputs":[ResultData]}]}.  A thousand nodes may report one large
 * text, each several times: there is only one of them in memory at a time, and the first that does not fit is the last. */
void flow_result(buf *out, const graph *g, const flow_call *call);

#endif
