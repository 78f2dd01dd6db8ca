/* SPDX-License-Identifier: MIT */
/*
 * The server's side of the wire to a script's process (runner/wire.h): frames out of a byte stream that is hostile.
 */
#ifndef SCRIPT_FRAMES_H
#define SCRIPT_FRAMES_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "script/runner/wire.h"

typedef struct {
    uint8_t type;
    uint32_t id;
    str json, bytes; /* borrowed from the reader until its next frame */
} script_frame;

typedef struct {
    uint8_t head[WIRE_HEAD];
    size_t head_len; /* bytes of it that are here */
    size_t wanted;   /* of the body */
    buf body;        /* grows as bytes come, not as lengths claim */
    bool whole;      /* the frame was given out */
} frame_reader;

void frames_open(frame_reader *r);
void frames_close(frame_reader *r);

/* Takes from the front of *bytes what belongs to the present frame.  True: it is whole and in *f; call again with the rest.
 * False and *e OK: all bytes are taken.  False and *e ERR_INVALID: no frame begins like this, and the reader is of no more use. */
bool frames_next(frame_reader *r, str *bytes, script_frame *f, err *e);

/* The bytes before the JSON text. */
void frames_head(uint8_t out[WIRE_HEAD], uint8_t type, uint32_t id, size_t json_len, size_t n_bytes);

#endif
