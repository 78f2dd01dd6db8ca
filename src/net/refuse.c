/* SPDX-License-Identifier: MIT */
/*
 * Requests that never reach the application: a short JSON answer, then the connection is closed.
 */
#include <stdio.h>

#include "base/json.h"
#include "base/log.h"
#include "net/server_internal.h"

void refuse(conn *c, refusal r)
{
    buf *text = &c->w->scratch;
    buf body = BUF_INIT(1024);

    buf_puts(&body, "{\"detail\": ");
    json_put_cstr(&body, r.detail);
    buf_puts(&body, "}");
    buf_reset(text);
    buf_printf(text,
               "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
               r.status, http_phrase(r.status), body.len);
    count(&c->w->counters->refused, 1);
    log_info("request refused", log_int("status", r.status), log_str("why", r.detail), log_str("peer", c->peer));
    out_send(c, text->data, text->len, body.data, body.len);
    buf_close(&body);
    conn_finish(c, true);
}
