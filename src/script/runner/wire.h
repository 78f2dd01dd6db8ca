/* SPDX-License-Identifier: MIT */
/*
 * What the server and a script runner say to each other: frames over one stream socket, the runner's standard input.
 *
 *   u32 length of what follows the length, big endian | u8 type | u32 id | u32 length of the JSON text | JSON text | raw bytes
 *
 * A runner lives for one job.  It starts its VM and the prelude, sends READY, waits for LIMITS and RUN, and ends after DONE or FAIL.
 * Both sides treat the other's bytes as hostile: every length is checked against WIRE_MAX before anything is allocated.
 *
 *   type   from    JSON                                                     bytes            id
 *   READY  runner  {"version":1}
 *   LIMITS server  {"memory","cpu"}: bytes beyond what the VM has, seconds
 *   RUN    server  {"check","input","aliases","auth","env","lastPollTime",  the code
 *                   "warnUndeclared",
 *                   "files":[{"field","list","name","mime","size","modified"}]}
 *   CALL   runner  {"op":"request","url","method","headers":[[n,v]…],       request body     of the call, from 1
 *                   "timeout","decode":true,"max"}
 *                  {"op":"file","index"}                                                     of the call
 *   REPLY  server  request: {"status","statusText","url","headers":[[n,v]…]}  response body  of the call
 *                  file: {}                                                 its bytes
 *                  either: {"error":"sentence"}
 *   LOG    runner  {"level":"log","text"}
 *   FILE   runner  {"at":["files",0],"name","mime","modified"}              its bytes        counts from 0
 *   DONE   runner  {"value":…,"ms"}                                         the order is: every FILE, then DONE
 *   FAIL   runner  {"kind":"throw|syntax|memory|output|cpu","message","stack","line","ms"}
 *
 * Numbers in JSON are milliseconds and bytes.  "modified" is ISO 8601 text.
 */
#ifndef SCRIPT_RUNNER_WIRE_H
#define SCRIPT_RUNNER_WIRE_H

#include <stdint.h>

enum {
    WIRE_READY = 1,
    WIRE_RUN,
    WIRE_CALL,
    WIRE_REPLY,
    WIRE_LOG,
    WIRE_FILE,
    WIRE_DONE,
    WIRE_FAIL,
    WIRE_LIMITS,
};

#define WIRE_HEAD 13u /* bytes before the JSON text */
#define WIRE_MAX (64u * 1024u * 1024u)
#define WIRE_JSON_MAX (16u * 1024u * 1024u)

#define SCRIPT_CODE_MAX 600000u /* bytes: 150,000 characters of four each (contracts/langdock.md section 2.10) */
#define SCRIPT_TEXT_RESPONSE_MAX (10u * 1024u * 1024u) /* section 3.3 */
#define SCRIPT_BYTES_RESPONSE_MAX (50u * 1024u * 1024u)
#define SCRIPT_FILES_MAX 20u /* section 3.6 */
#define SCRIPT_FILES_BYTES (100u * 1024u * 1024u)
#define SCRIPT_RESULT_MAX (10u * 1024u * 1024u)
#define SCRIPT_CALLS_MAX 1000u /* of one run */
#define SCRIPT_LOG_LINES 1000u
#define SCRIPT_LOG_BYTES (256u * 1024u)

#endif
