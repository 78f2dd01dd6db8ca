/* SPDX-License-Identifier: MIT */
/* See version.h. */
#include "model/version.h"

#include <stdatomic.h>

static atomic_uint_fast64_t versions[VERSION_COUNT];

uint64_t version_of(version_family f)
{
    return atomic_load(&versions[f]);
}

void version_bump(version_family f)
{
    atomic_fetch_add(&versions[f], 1);
}
