/* SPDX-License-Identifier: MIT */
/*
 * A counter per table family, raised after each commit that changes it: a read-mostly cache compares one number to know
 * whether what it holds is still good.
 *
 * Counters are of this process.  Another process on the same database (`sluice key create`, a second node) does not raise
 * them, so caches also forget after a short time (VERSION_TRUST) and never remember that something is absent.
 */
#ifndef MODEL_VERSION_H
#define MODEL_VERSION_H

#include "base/def.h"

typedef enum {
    VERSION_USERS,
    VERSION_SESSIONS, /* web sessions */
    VERSION_KEYS,
    VERSION_PROVIDERS, /* and their models */
    VERSION_AGENTS,    /* and who may use them */
    VERSION_FLOWS,     /* and folders */
    VERSION_INTEGRATIONS,
    VERSION_KV,
    VERSION_COUNT
} version_family;

#define VERSION_TRUST SECONDS(5)

/* From any thread.  Read the version before the rows: then a change in between makes the cache stale, not wrong. */
uint64_t version_of(version_family f);
void version_bump(version_family f);

#endif
