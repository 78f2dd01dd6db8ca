/* SPDX-License-Identifier: MIT */
/*
 * An application for tests of the server: what a path does is in probe_app(), and what the handlers saw in `seen`.  A test is a
 * client function (see probe_with()).
 */
#ifndef TESTS_NET_PROBE_APP_H
#define TESTS_NET_PROBE_APP_H

#include <stdatomic.h>

#include "probe.h"

struct probe_seen {
    int served;
    int cancelled;
    int64_t noticed_at;
    const char *reason;
    err body_error, write_error;
    size_t written;
    int sources_closed;
    atomic_bool may_read; /* set by the client: "/late" waits for it */
};

extern struct probe_seen seen;

void probe_app(request *rq, response *rs, void *arg);
void with_app(scope *s, void (*client)(void *arg), const server_limits *limits);

#endif
