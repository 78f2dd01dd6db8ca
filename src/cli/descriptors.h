/* SPDX-License-Identifier: MIT */
/*
 * How many descriptors a server may need: a stream through to a model provider takes two.
 */
#ifndef CLI_DESCRIPTORS_H
#define CLI_DESCRIPTORS_H

#include "db/settings.h"

int64_t descriptors_wanted(const struct settings *st);

/* How many this process may have, or may allow itself to have. */
int64_t descriptors_possible(void);

/* Allows what is wanted, as far as that is ours to say: many systems begin with 1024 and let a process have a million. */
void descriptors_allow(const struct settings *st);

#endif
