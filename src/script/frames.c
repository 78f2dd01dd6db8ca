/* SPDX-License-Identifier: MIT */
/*
 * Frames; see frames.h.  Every length is checked before a byte of the body is kept.
 */
#include "script/frames.h"

#define KEPT MIB(1) /* a larger buffer goes back after its frame */

static uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static void put_u32(uint8_t *p, size_t n)
{
    p[0] = (uint8_t)(n >> 24);
    p[1] = (uint8_t)(n >> 16);
    p[2] = (uint8_t)(n >> 8);
    p[3] = (uint8_t)n;
}

void frames_head(uint8_t out[WIRE_HEAD], uint8_t type, uint32_t id, size_t json_len, size_t n_bytes)
{
    put_u32(out, WIRE_HEAD - 4 + json_len + n_bytes);
    out[4] = type;
    put_u32(out + 5, id);
    put_u32(out + 9, json_len);
}

void frames_open(frame_reader *r)
{
    *r = (frame_reader){.body = BUF_INIT(WIRE_MAX)};
}

void frames_close(frame_reader *r)
{
    buf_close(&r->body);
}

static str take(str *from, size_t most)
{
    str part = {from->p, MIN_OF(from->len, most)};

    from->p += part.len;
    from->len -= part.len;
    return part;
}

static void begin(frame_reader *r)
{
    r->whole = false;
    r->head_len = 0;
    if (r->body.cap > KEPT)
        buf_close(&r->body);
    else
        buf_reset(&r->body);
}

static bool head_is_sane(frame_reader *r)
{
    const uint32_t length = get_u32(r->head), json = get_u32(r->head + 9);

    if (r->head[4] < WIRE_READY || r->head[4] > WIRE_LIMITS || length < WIRE_HEAD - 4 || length > WIRE_MAX)
        return false;
    r->wanted = length - (WIRE_HEAD - 4);
    return json <= WIRE_JSON_MAX && json <= r->wanted;
}

bool frames_next(frame_reader *r, str *bytes, script_frame *f, err *e)
{
    const char *text;
    size_t json;
    str part;

    *e = OK;
    if (r->whole)
        begin(r);
    if (r->head_len < WIRE_HEAD) {
        part = take(bytes, WIRE_HEAD - r->head_len);
        if (part.len > 0)
            memcpy(r->head + r->head_len, part.p, part.len);
        r->head_len += part.len;
        if (r->head_len < WIRE_HEAD)
            return false;
        if (!head_is_sane(r)) {
            *e = ERR_INVALID;
            return false;
        }
    }
    part = take(bytes, r->wanted - r->body.len);
    if (part.len > 0)
        buf_add(&r->body, part.p, part.len);
    if (r->body.len < r->wanted)
        return false;
    text = buf_str(&r->body);
    json = get_u32(r->head + 9);
    *f = (script_frame){
        .type = r->head[4], .id = get_u32(r->head + 5), .json = {text, json}, .bytes = {text + json, r->wanted - json}};
    r->whole = true;
    return true;
}
