/* SPDX-License-Identifier: MIT */
/*
 * Addresses that users and scripts name: parsed as the client that will call them does, credentials taken out.
 */
#ifndef NET_LOCATION_H
#define NET_LOCATION_H

#include "rt/scope.h"

typedef struct {
    const char *url;           /* without credentials and fragment */
    const char *scheme;        /* "http" or "https" */
    const char *host;          /* lower case, without a dot at the end; IPv6 in brackets */
    const char *port;          /* always given */
    const char *authorization; /* "Basic …" for credentials in the URL, else NULL */
} location;

/* `from`: what a relative one stands in; NULL: it must be absolute.  False: not an http or https URL. */
bool location_parse(arena *a, const char *from, const char *url, location *out);
bool location_same_origin(const location *a, const location *b);

/* Patterns: "api.example.org", "*.example.org" (not example.org itself).  An empty list permits every host. */
bool location_permitted(const location *a, const char *const *hosts, size_t n);

#endif
