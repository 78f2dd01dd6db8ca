/* SPDX-License-Identifier: MIT */
/*
 * Cross-site request forgery: a browser sends our cookie along with requests that other sites cause, so a write that only a
 * cookie vouches for must come from our own pages.
 *
 * Browsers say where a request comes from in Sec-Fetch-Site and Origin; neither can be set by a page.  A write with neither is
 * refused too: programs use tokens or keys, which need no such check.
 */
#ifndef AUTH_CSRF_H
#define AUTH_CSRF_H

#include "net/request.h"

/* The parts of a request that decide. */
typedef struct {
    http_method method;
    const char *scheme;         /* of the request as we see it: "http" or "https" */
    const char *host;           /* Host header */
    const char *origin;         /* Origin header, or NULL */
    const char *sec_fetch_site; /* Sec-Fetch-Site header, or NULL */
} csrf_facts;

csrf_facts csrf_facts_of(const request *rq);

/* Whether a cookie may vouch for this request.  `trusted` are further origins ("https://app.example"), ends with NULL; may be
 * NULL.  Methods that change nothing always may. */
bool csrf_permits(const csrf_facts *facts, const char *const *trusted);

/* Whether a browser says that another site's page sent this; false when nothing is said.  For logins, where no
 * cookie is set then, and for WebSocket upgrades, which are GET requests but not reading. */
bool csrf_cross_site(const csrf_facts *facts, const char *const *trusted);

#endif
