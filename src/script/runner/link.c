/* SPDX-License-Identifier: MIT */
/*
 * The runner's side of the wire: frames on standard input, which is a socket.  Reading and writing block; the server always
 * reads, so neither side can wait for the other for ever.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "script/runner/runner.h"

enum { SERVER = 0 };

static volatile sig_atomic_t sending;
static frame *waiting, **waiting_end = &waiting;

static void read_all(void *into, size_t len)
{
    uint8_t *at = into;

    while (len > 0) {
        ssize_t n = read(SERVER, at, len);

        if (n > 0) {
            at += n;
            len -= (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            _exit(EXIT_GONE);
        }
    }
}

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

static void *need(void *p)
{
    if (p == NULL)
        run_fail("memory", "Out of memory");
    return p;
}

frame *link_read(void)
{
    uint8_t head[WIRE_HEAD];
    frame *f = need(calloc(1, sizeof *f));
    uint32_t length, json;

    read_all(head, sizeof head);
    length = get_u32(head);
    json = get_u32(head + 9);
    if (length < WIRE_HEAD - 4 || length > WIRE_MAX || json > WIRE_JSON_MAX || json > length - (WIRE_HEAD - 4))
        _exit(EXIT_GONE);
    f->type = head[4];
    f->id = get_u32(head + 5);
    f->json_len = json;
    f->json = need(malloc((size_t)json + 1));
    read_all(f->json, json);
    f->json[json] = '\0';
    f->n_bytes = length - (WIRE_HEAD - 4) - json;
    f->bytes = need(malloc(f->n_bytes + 1)); /* never of size 0: ArrayBuffers want an address */
    read_all(f->bytes, f->n_bytes);
    return f;
}

frame *link_read_reply(uint32_t id)
{
    for (;;) {
        frame *f = link_read();

        if (f->type == WIRE_REPLY && f->id == id)
            return f;
        *waiting_end = f;
        waiting_end = &f->next;
    }
}

frame *link_next(void)
{
    frame *f = waiting;

    if (f != NULL && (waiting = f->next) == NULL)
        waiting_end = &waiting;
    return f;
}

void link_free(frame *f)
{
    free(f->json);
    free(f->bytes);
    free(f);
}

static void send_all(struct iovec *part, size_t n)
{
    while (n > 0) {
        struct msghdr message = {.msg_iov = part, .msg_iovlen = n};
        ssize_t sent = sendmsg(SERVER, &message, MSG_NOSIGNAL);

        if (sent < 0 && errno != EINTR)
            _exit(EXIT_GONE);
        for (; sent > 0 && n > 0; part++, n--) {
            if ((size_t)sent < part->iov_len) {
                part->iov_base = (char *)part->iov_base + sent;
                part->iov_len -= (size_t)sent;
                break;
            }
            sent -= (ssize_t)part->iov_len;
        }
        while (n > 0 && part->iov_len == 0) {
            part++;
            n--;
        }
    }
}

void link_send(uint8_t type, uint32_t id, const char *json, size_t json_len, const void *bytes, size_t n_bytes)
{
    uint8_t head[WIRE_HEAD];
    struct iovec parts[] = {
        {head, sizeof head},
        {(void *)(uintptr_t)json, json_len},
        {(void *)(uintptr_t)bytes, n_bytes},
    };

    put_u32(head, WIRE_HEAD - 4 + json_len + n_bytes);
    head[4] = type;
    put_u32(head + 5, id);
    put_u32(head + 9, json_len);
    sending = 1;
    send_all(parts, 3);
    sending = 0;
}

void link_last_words(const char *json)
{
    if (!sending)
        link_send(WIRE_FAIL, 0, json, strlen(json), NULL, 0);
}
