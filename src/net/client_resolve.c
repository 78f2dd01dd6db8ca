/* SPDX-License-Identifier: MIT */
/* Host names to addresses; see client_resolve.h. */
#include "net/client_resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"

enum { STACK = 256 << 10, NAME_MAX_LEN = 255 };

struct lookup {
    loop *loop;
    char host[NAME_MAX_LEN + 1];
    uint16_t port;
    address_list *found;
    void (*done)(void *arg, address_list *found); /* on the loop only; NULL: forgotten */
    void *arg;
};

/* --- lists --- */

static address_list *list_new(size_t n)
{
    address_list *l = mem_zalloc(1, sizeof *l + n * sizeof(address));

    l->refs = 1;
    return l;
}

address_list *addresses_take(address_list *l)
{
    l->refs++;
    return l;
}

void addresses_give(address_list *l)
{
    if (l != NULL && --l->refs == 0)
        free(l);
}

socklen_t address_len(const address *a)
{
    return a->any.sa_family == AF_INET6 ? sizeof a->v6 : sizeof a->v4;
}

static void add4(address_list *l, struct in_addr ip, uint16_t port)
{
    l->at[l->n++].v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = ip, .sin_port = htons(port)};
}

static void add6(address_list *l, struct in6_addr ip, uint16_t port)
{
    l->at[l->n++].v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = ip, .sin6_port = htons(port)};
}

static bool means_this_machine(const char *host)
{
    size_t len = strlen(host);

    return strcasecmp(host, "localhost") == 0 || (len > 10 && strcasecmp(host + len - 10, ".localhost") == 0);
}

address_list *addresses_known(const char *host, uint16_t port)
{
    char text[INET6_ADDRSTRLEN + 2];
    struct in_addr ip4;
    struct in6_addr ip6;
    address_list *l = NULL;
    size_t len = strlen(host);

    if (inet_pton(AF_INET, host, &ip4) == 1) {
        add4(l = list_new(1), ip4, port);
    } else if (host[0] == '[' && len > 2 && len < sizeof text) {
        snprintf(text, sizeof text, "%.*s", (int)(len - 2), host + 1);
        if (inet_pton(AF_INET6, text, &ip6) == 1)
            add6(l = list_new(1), ip6, port);
    } else if (means_this_machine(host)) {
        l = list_new(2);
        add4(l, (struct in_addr){htonl(INADDR_LOOPBACK)}, port);
        add6(l, (struct in6_addr)IN6ADDR_LOOPBACK_INIT, port);
    }
    return l;
}

/* --- lookups --- */

static address_list *convert(const struct addrinfo *first, uint16_t port)
{
    address_list *l = list_new(ADDRESSES_MAX);

    for (const struct addrinfo *a = first; a != NULL && l->n < ADDRESSES_MAX; a = a->ai_next) {
        address got = {0};

        if (a->ai_addrlen > sizeof got)
            continue;
        memcpy(&got, a->ai_addr, a->ai_addrlen);
        if (a->ai_family == AF_INET)
            add4(l, got.v4.sin_addr, port);
        else if (a->ai_family == AF_INET6)
            add6(l, got.v6.sin6_addr, port);
    }
    return l;
}

static void lookup_free(lookup *k)
{
    addresses_give(k->found);
    free(k);
}

/* On the loop again. */
static void deliver(void *arg)
{
    lookup *k = arg;

    if (k->done != NULL) {
        k->done(k->arg, k->found);
        k->found = NULL; /* the callee's now */
    }
    lookup_free(k);
}

static void *look_up(void *arg)
{
    lookup *k = arg;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL;

    if (getaddrinfo(k->host, NULL, &hints, &found) == 0) {
        k->found = convert(found, k->port);
        freeaddrinfo(found);
    }
    if (!loop_post(k->loop, deliver, k))
        lookup_free(k);
    return NULL;
}

lookup *lookup_begin(loop *l, const char *host, uint16_t port, void (*done)(void *arg, address_list *found), void *arg)
{
    lookup *k = mem_zalloc(1, sizeof *k);
    pthread_attr_t attributes;
    pthread_t thread;
    bool running;

    *k = (lookup){.loop = l, .port = port, .done = done, .arg = arg};
    snprintf(k->host, sizeof k->host, "%s", strlen(host) <= NAME_MAX_LEN ? host : "");
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    running = k->host[0] != '\0' && pthread_create(&thread, &attributes, look_up, k) == 0;
    pthread_attr_destroy(&attributes);
    if (!running && !loop_post(l, deliver, k)) /* nothing found */
        mem_die("the loop that looks up a host has ended", 0);
    return k;
}

void lookup_forget(lookup *k)
{
    k->done = NULL;
}
