/* SPDX-License-Identifier: MIT */
/* Messages as JSON, and what of them is to be stored (contracts/langflow-flows.md sections 12 and 13). */
#ifndef FLOW_MESSAGE_H
#define FLOW_MESSAGE_H

#include "flow/component.h"

/* Messages of a run that the database does not have yet, in the order shown. */
typedef struct flow_record {
    arena *a;
    flow_message **items;
    size_t n, cap, stored;
} flow_record;

/* As events and monitors show it: timestamp "2026-01-05 10:11:12 UTC".  New reference. */
json_t *flow_message_json(const flow_message *m, const char *flow_id, bool partial);

/* As results show it: twice over, with the other timestamp.  `text` is the message's, borrowed.  New reference. */
json_t *flow_message_result(const flow_message *m, json_t *text, const char *flow_id);

#endif
