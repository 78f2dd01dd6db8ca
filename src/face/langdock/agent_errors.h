/* SPDX-License-Identifier: MIT */
/* What a provider's failure is for a client of the public API: its own mistakes are 4xx, so that it does not try again. */
#ifndef FACE_LANGDOCK_AGENT_ERRORS_H
#define FACE_LANGDOCK_AGENT_ERRORS_H

#include "rt/scope.h"

/* Records a failure with one of the codes of llm/llm.h (or NULL) as one whose error says which status it is. */
err dock_model_failed(scope *s, const char *code, const char *reason);

/* The same for what a call of llm/ recorded in `s` and returned; other errors stay as they are. */
err dock_model_error(scope *s, err e);

#endif
