/* SPDX-License-Identifier: MIT */
/*
 * What the tests of tools share: a workspace, files in it, and calls by name with arguments as JSON text.
 */
#ifndef TOOL_FIXTURE_H
#define TOOL_FIXTURE_H

#include "test.h"
#include "tool/internal.h"

/* A context whose workspace is `test_dir()/ws`, made when it is not there; user "u1", session "s1". */
tool_context fixture_context(scope *s);

/* Calls the tool as the agent does and returns the result's JSON (borrowed); NULL for plain text. */
json_t *fixture_call(scope *s, const tool_context *cx, const char *name, const char *args);
tool_result fixture_result(scope *s, const tool_context *cx, const char *name, const char *args);

/* Paths are relative to the workspace.  `fixture_read` gives NULL when there is no file. */
void fixture_write(scope *s, const tool_context *cx, const char *path, const void *bytes, size_t len);
void fixture_puts(scope *s, const tool_context *cx, const char *path, const char *text);
char *fixture_read(scope *s, const tool_context *cx, const char *path);
char *fixture_path(scope *s, const tool_context *cx, const char *path);

/* Fails the test unless the result is a failure with this code. */
void fixture_fails(scope *s, const tool_context *cx, const char *name, const char *args, const char *code);

#endif
