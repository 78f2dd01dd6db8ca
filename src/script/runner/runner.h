/* SPDX-License-Identifier: MIT */
/*
 * What the files of the script runner share.
 *
 * A process runs one script, so the state of the run is one static.  Nothing here is freed at the end: the process goes.
 */
#ifndef SCRIPT_RUNNER_RUNNER_H
#define SCRIPT_RUNNER_RUNNER_H

#include <JavaScriptCore/JavaScript.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "script/runner/wire.h"

/* Exit statuses, for whoever traces a process. */
enum { EXIT_OVER = 0, EXIT_GONE = 80, EXIT_NO_VM = 81, EXIT_NO_SANDBOX = 82, EXIT_DIED = 83 };

/* ---- frames (link.c) ---- */

typedef struct frame {
    uint8_t type;
    uint32_t id;
    char *json; /* NUL-terminated */
    size_t json_len;
    uint8_t *bytes; /* allocated, or NULL */
    size_t n_bytes;
    struct frame *next;
} frame;

/* The next frame, waiting for it; the one before it is the caller's to free.  Ends the process when the server is gone. */
frame *link_read(void);
/* The answer to call `id`; what comes before it waits for link_next(). */
frame *link_read_reply(uint32_t id);
/* What waits from an earlier link_read_reply(), or NULL. */
frame *link_next(void);
void link_free(frame *f);
/* A FAIL from a signal handler; nothing when a frame is half sent. */
void link_last_words(const char *json);
void link_send(uint8_t type, uint32_t id, const char *json, size_t json_len, const void *bytes, size_t n_bytes);

/* ---- text and bytes (codec.c) ---- */

/* `out` has room for 3 bytes a unit.  Lone surrogates become U+FFFD. */
size_t codec_utf8(const JSChar *in, size_t n, char *out);
/* `out` has room for `n` units.  False: something was replaced by U+FFFD. */
bool codec_utf16(const uint8_t *in, size_t n, JSChar *out, size_t *units);

size_t codec_base64_size(size_t n);
size_t codec_base64(const uint8_t *in, size_t n, bool url, char *out);
/* `out` has room for n bytes. */
bool codec_unbase64(const JSChar *in, size_t n, bool loose, uint8_t *out, size_t *len);
void codec_hex(const uint8_t *in, size_t n, char *out);
size_t codec_unhex(const JSChar *in, size_t n, uint8_t *out);

/* Makes JSON text of JSON.stringify() fit for readers that refuse lone surrogates and NUL: their escapes become \ufffd. */
void codec_clean_json(char *json, size_t len);

/* Makes its large integers fit, too.  `out` has room for an eighth more and 8 bytes. */
size_t codec_tame_integers(const char *in, size_t len, char *out);

/* A JSON string of `n` units: at most 6 bytes a unit and 2 quotes. */
size_t codec_quote(const JSChar *in, size_t n, char *out);

/* ---- cryptography (digest.c) ---- */

enum { DIGEST_MAX = 64 };

void digest_init(void); /* loads all that is needed, before files are out of reach */
/* Length of the digest, 0: no such name. */
size_t digest_bytes(const char *name, const void *bytes, size_t n, uint8_t out[DIGEST_MAX]);
size_t digest_hmac(const char *name, const void *key, size_t n_key, const void *bytes, size_t n,
                   uint8_t out[DIGEST_MAX]);
/* NULL, or a sentence.  *out is allocated. */
const char *digest_sign_rs256(const char *pem, size_t n_pem, const void *bytes, size_t n, uint8_t **out, size_t *len);

/* ---- limits (limits.c) ---- */

void limits_begin(void);   /* first of all: what the process may inherit */
void limits_enclose(void); /* after the VM is up: fixed limits and system calls.  Ends the process when it cannot */
void limits_job(uint64_t memory, uint64_t cpu_seconds);

/* ---- the template (template.c) ---- */

void template_serve(void); /* returns in every runner that it forks, never in the template */

/* ---- the run (main.c, native.c) ---- */

typedef struct {
    JSGlobalContextRef js;
    JSObjectRef type_error; /* the constructor */
    int64_t started;        /* CLOCK_MONOTONIC, ns */
    double deadline;        /* ms, < 0: no timer */
    bool rehearsal;         /* nothing is sent, and nothing ends */
    bool rehearsed;         /* done() was called in it */
    uint32_t last_call;     /* its id */
    uint32_t calls, unanswered;
    uint32_t files, log_lines;
    size_t file_bytes, log_bytes;
} run_state;
extern run_state run;

int64_t run_clock(void);
double run_elapsed_ms(void);
/* Says how the run ended, and ends the process. */
_Noreturn void run_fail(const char *kind, const char *sentence);

#endif
