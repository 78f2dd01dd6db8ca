/* SPDX-License-Identifier: MIT */
/*
 * WebSocket, server side (RFC 6455), framing by wslay.
 */
#ifndef NET_WS_H
#define NET_WS_H

#include "net/response.h"

typedef struct ws ws;

/* Answers the upgrade.  ERR_INVALID when the request is not a WebSocket handshake (nothing is sent then). */
MUST_USE err ws_accept(request *rq, response *rs, const char *protocol, ws **out);

/* The next whole message (at most 1 MiB), in `a`.  Pings are answered meanwhile.  Parks.  ERR_CLOSED at the end. */
MUST_USE err ws_recv(scope *s, ws *w, arena *a, str *message, bool *text);

/* Queues a message; parks while the client is too far behind. */
MUST_USE err ws_send(scope *s, ws *w, const void *bytes, size_t len, bool text);

/* Says good-bye (a code of RFC 6455 section 7.4, the reason cut to 123 bytes); then ws_recv() gives ERR_CLOSED. */
void ws_close(ws *w, int code, const char *reason);

#endif
