/* SPDX-License-Identifier: MIT */
/*
 * A tool's live output, gathered for a moment before it goes to those who watch (contracts/sage-agent-runtime.md section 6.4):
 * a command that prints a line at a time would otherwise make an event of each.
 *
 * What comes within 50 ms, or 16 KB, of one stream is one event.  The fiber that sends it is there only while something
 * waits.
 */
#include "agent/agent_internal.h"

#include "base/log.h"
#include "rt/sleep.h"

enum { PIECE = 16 << 10 };
static const int64_t moment = MILLISECONDS(50);

static const char *const names[PROGRESS_STREAMS] = {"stdout", "stderr", "info"};

void progress_init(progress *p, agent_state *st, scope *s, const char *call_id)
{
    *p = (progress){.st = st, .s = s, .call_id = call_id};
    for (size_t i = 0; i < PROGRESS_STREAMS; i++)
        p->text[i] = BUF_INIT(PIECE);
}

static void emit(const progress *p, const char *stream, const char *text, size_t len, bool closed)
{
    buf b = BUF_INIT(8 * PIECE); /* escaped, a byte may become six */

    buf_puts(&b, "{\"tool_call_id\":");
    json_put_cstr(&b, p->call_id);
    buf_puts(&b, ",\"stream\":");
    json_put_cstr(&b, stream);
    buf_puts(&b, ",\"text\":");
    json_put_string(&b, text, len); /* a program may print anything */
    buf_printf(&b, ",\"closed\":%s}", closed ? "true" : "false");
    if (buf_ok(&b) && run_emit(p->st->s, p->st->r, EV_TOOL_PROGRESS, NULL, b.data, b.len) != OK)
        log_debug("run.progress_dropped", log_str("call", p->call_id)); /* the result will meet the limit as well */
    buf_close(&b);
}

/* Sends what waits; a character whose rest is still to come stays, unless this is the end. */
static void send(progress *p, size_t stream, bool end)
{
    buf *b = &p->text[stream];
    size_t len = end ? b->len : utf8_whole(b->data, b->len), rest = b->len - len;

    if (len == 0)
        return;
    emit(p, names[stream], b->data, len, false);
    memmove(b->data, b->data + len, rest);
    b->len = rest;
}

static void send_all(progress *p, bool end)
{
    for (size_t i = 0; i < PROGRESS_STREAMS; i++)
        send(p, i, end);
}

static err send_later(scope *s, void *arg)
{
    progress *p = arg;
    err e = sleep_for(s, moment);

    p->waiting = false;
    if (e == OK)
        send_all(p, false);
    return OK;
}

void progress_add(void *arg, const char *stream, const char *text, size_t len)
{
    progress *p = arg;
    size_t which = 0, part;

    while (which + 1 < PROGRESS_STREAMS && !cstr_eq(names[which], stream))
        which++;
    for (; len > 0; text += part, len -= part) {
        part = MIN_OF(len, PIECE - p->text[which].len);
        buf_add(&p->text[which], text, part);
        if (p->text[which].len == PIECE)
            send(p, which, false);
    }
    if (p->text[which].len > 0 && !p->waiting) {
        p->waiting = true;
        scope_spawn(p->s, send_later, p);
    }
}

void progress_flush(progress *p)
{
    send_all(p, true);
}

void progress_close(progress *p)
{
    emit(p, "info", "", 0, true);
}

void progress_free(progress *p)
{
    for (size_t i = 0; i < PROGRESS_STREAMS; i++)
        buf_close(&p->text[i]);
}
