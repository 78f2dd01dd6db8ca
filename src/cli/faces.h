/* SPDX-License-Identifier: MIT */
/*
 * Which faces there are, and where: the table of paths on the shared port (docs/architecture.md explains it) and the
 * listeners of their own.
 */
#ifndef CLI_FACES_H
#define CLI_FACES_H

#include "db/settings.h"
#include "net/route.h"

extern const face_mount faces_mounts[];
extern const size_t faces_n_mounts;

typedef struct {
    const face *face;
    const char *(*address)(const struct settings *st); /* "" when it has none */
} face_listener;
extern const face_listener faces_listeners[];
extern const size_t faces_n_listeners;

#endif
