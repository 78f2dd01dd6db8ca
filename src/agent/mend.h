/* SPDX-License-Identifier: MIT */
/*
 * Arguments of tool calls that are nearly JSON, as some models write them.
 */
#ifndef AGENT_MEND_H
#define AGENT_MEND_H

#include "base/json.h"

/*
 * The JSON text of the object that `text` is meant to be, in `a`: the text itself when it is one.  Mended are single quotes,
 * Python's True, False and None, a comma before the closing bracket, line ends and tabs as they are inside of a string, and
 * an object that was put into a string.  NULL when that makes no object of it.
 */
const char *mend_object(arena *a, str text);

#endif
