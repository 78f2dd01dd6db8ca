/* SPDX-License-Identifier: MIT */
/*
 * What client_curl.c (requests as options) and client_curl_loop.c (libcurl on the event loop) share.
 *
 * An easy handle costs more to make than a small request does, so they are pooled per loop.
 */
#ifndef NET_CLIENT_CURL_H
#define NET_CLIENT_CURL_H

#include <curl/curl.h>

#include "net/client_internal.h"

typedef struct {
    http_stream base;
    list_link link; /* in the pool, or in the queue while `queued` */
    CURL *easy;
    size_t head_bytes;
    bool queued;  /* to be started or resumed after this turn */
    bool running; /* in the multi handle */
} curl_stream;

void curl_set_options(curl_stream *cs, const target *t, const hop *how);

/* For CURLOPT_OPENSOCKETFUNCTION: sockets made here are watched until libcurl closes them. */
curl_socket_t curl_open_socket(client *home, const struct curl_sockaddr *address);

#endif
