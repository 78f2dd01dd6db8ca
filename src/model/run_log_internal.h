/* SPDX-License-Identifier: MIT */
/*
 * Rows of runs as parts of batches, for run_log.c and turn.c.
 */
#ifndef MODEL_RUN_LOG_INTERNAL_H
#define MODEL_RUN_LOG_INTERNAL_H

#include "model/run_log.h"

#define RUN_COLUMNS                                                                                                    \
    "id, session_id, user_id, agent_id, source, status, error, input_tokens, output_tokens, total_tokens, "            \
    "cached_tokens, reasoning_tokens, input_audio_tokens, output_audio_tokens, steps, step_models, started_at, "       \
    "finished_at"

void run_row_add_insert(db_batch *b, const run_row *r);
void run_row_add_finish(db_batch *b, const run_row *r);

#endif
