/* SPDX-License-Identifier: MIT */
/*
 * The command policy: what a shell command may do, judged from its text before it runs.
 *
 * The sandbox is the wall; the policy is the sign in front of it.  It stops commands that are destructive or pointless in a
 * sandbox, and finds those that a person should see first.  The text is split as a shell would split it; each simple
 * command is looked up in tables, the text as a whole in a list of patterns.
 */
#ifndef TOOL_POLICY_H
#define TOOL_POLICY_H

#include "base/json.h"

typedef enum { POLICY_ALLOW, POLICY_ASK, POLICY_DENY } policy_action;

/* never: nobody can be asked, so asking means no.  untrusted: everything that is not known to only read asks. */
typedef enum { APPROVAL_NEVER, APPROVAL_ON_REQUEST, APPROVAL_UNTRUSTED } approval_mode;

enum { POLICY_RULES_MAX = 200 }; /* of a custom policy; those behind are not looked at */

typedef struct {
    policy_action action;
    const char *category;  /* "destructive", "git_remote_write_approval_disabled" …; "" when nothing spoke */
    const char *reason;    /* one sentence */
    const char *next_step; /* what to do instead, or NULL */
} policy_decision;

/* "never", "on-request", "untrusted", "unless-trusted", with "-" or "_"; anything else is APPROVAL_NEVER. */
approval_mode approval_mode_of(const char *name);
const char *approval_mode_name(approval_mode mode);
const char *policy_action_name(policy_action action);

/*
 * Judges `command`, run in a workspace at that absolute path.  `policy` may be NULL, or an object
 * {"rules":[{"action","match":{"command"|"base"|"argv"|"argv_prefix"|"pattern"|"git"},"category"?,"reason"?,"next_step"?}],
 * "default_action"?}: the first rule that matches decides about a command of a single segment, but never overrides a denial
 * of our own.  A rule whose pattern cannot be decided in time asks.  What comes back lives in `a`.
 *
 * Rules may have any pattern, and a command may be long: for a pool thread, for up to two seconds.
 */
policy_decision policy_check(arena *a, const char *command, const char *workspace, const json_t *policy,
                             approval_mode mode);

#endif
