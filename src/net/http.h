/* SPDX-License-Identifier: MIT */
/*
 * What HTTP server and client share: methods, header lists, status phrases (RFC 9110).
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "base/arena.h"
#include "base/str.h"

typedef enum { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, METHOD_COUNT } http_method;

const char *http_method_name(http_method m);
bool http_method_parse(str name, http_method *out);

/* "Not Found" for 404; "Unknown" for what RFC 9110 and RFC 6585 do not name. */
const char *http_phrase(int status);

typedef struct {
    const char *name;
    const char *value;
} http_header;

typedef struct {
    http_header *items;
    size_t count;
    size_t cap;
} http_headers;

/* Adds a header; both strings are borrowed from `a`. */
void http_headers_add(arena *a, http_headers *h, const char *name, const char *value);

/* The first value by name (any case), or NULL. */
const char *http_headers_get(const http_headers *h, const char *name);

/* The media type of a Content-Type value without parameters, lower-cased: "application/json". */
char *http_media_type(arena *a, const char *content_type);

/* The value of one parameter of a header value (charset, boundary, filename …), unquoted; NULL when absent. */
char *http_param(arena *a, const char *value, const char *param);

/* The value of one cookie of a Cookie header (RFC 6265 section 5.4), or NULL. */
char *http_cookie(arena *a, const char *cookie_header, const char *name);

/* The Content-Type for a file name by its ending; "application/octet-stream" when unknown. */
const char *http_type_of_file(const char *name);

#endif
