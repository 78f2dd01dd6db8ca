/* SPDX-License-Identifier: MIT */
/* Scripts that are sent in. */
#ifndef FACE_LANGDOCK_CODE_H
#define FACE_LANGDOCK_CODE_H

#include "net/route.h"

/* Compiles the code (NULL or empty is fine) and answers 400 with message and line when it does not compile.  A server that
 * cannot run scripts takes any code. */
MUST_USE err dock_check_code(request *rq, response *rs, const char *member, const char *code, bool *answered);

#endif
