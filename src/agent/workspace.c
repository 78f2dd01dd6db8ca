/* SPDX-License-Identifier: MIT */
/*
 * The directories of agents' files: one for each user of an agent, made at the first run and gone with the agent.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/chat_internal.h"
#include "base/clock.h"
#include "base/log.h"
#include "model/agent.h"
#include "rt/offload.h"

#define REMOVAL_LIMIT SECONDS(30)

char *chat_workspace(arena *a, const char *user_id, const char *agent_id)
{
    const char *folder = chat_configured()->workspaces;
    char *user = percent_encode(a, str_of(user_id != NULL ? user_id : "default_user"));
    char *agent = percent_encode(a, str_of(agent_id != NULL ? agent_id : NO_AGENT));

    /* "." and ".." are unreserved characters, and not names */
    return arena_printf(a, "%s/%s%s/%s%s", folder, *user == '.' ? "_" : "", user, *agent == '.' ? "_" : "", agent);
}

err chat_make_workspace(scope *s, const char *path)
{
    char *parent = arena_strdup(s->arena, path);

    *strrchr(parent, '/') = '\0';
    if ((mkdir(parent, 0700) != 0 && errno != EEXIST) || (mkdir(path, 0700) != 0 && errno != EEXIST))
        return fail(s, errno == ENOSPC ? ERR_NO_SPACE : ERR_IO, "cannot make the agent's workspace: %s",
                    strerror(errno));
    return OK;
}

/*
 * Removing a tree that a command of the agent may still be changing: nothing is reached through a path, so that a link put in
 * the way leads nowhere, and what is nested moves up instead of being gone down to, so that no depth is too deep.
 */
typedef struct {
    int top;      /* the directory that is being emptied */
    size_t moved; /* entries that were given a new name in it */
    int64_t until;
} removal;

static bool is_gone(int dir, const char *name)
{
    return unlinkat(dir, name, 0) == 0 || unlinkat(dir, name, AT_REMOVEDIR) == 0;
}

static int open_directory(int parent, const char *name)
{
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Whether `fn` got anywhere with one of the entries. */
static bool each_entry(removal *r, int parent, const char *name, bool (*fn)(removal *r, int dir, const char *name))
{
    int fd = open_directory(parent, name);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    bool any = false;
    struct dirent *e;

    if (d == NULL) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    (void)fchmod(fd, 0700); /* a command may have made it read-only */
    while (clock_mono() < r->until && (e = readdir(d)) != NULL)
        if (!cstr_eq(e->d_name, ".") && !cstr_eq(e->d_name, ".."))
            any |= fn(r, dirfd(d), e->d_name);
    closedir(d);
    return any;
}

static bool move_up(removal *r, int dir, const char *name)
{
    char fresh[40];

    if (is_gone(dir, name))
        return true;
    snprintf(fresh, sizeof fresh, ".removed-%zu", r->moved++);
    return renameat(dir, name, r->top, fresh) == 0;
}

static bool take_out(removal *r, int dir, const char *name)
{
    bool moved;

    if (is_gone(dir, name))
        return true;
    moved = each_entry(r, dir, name, move_up);
    return is_gone(dir, name) || moved;
}

/* False when something of it is left. */
static bool remove_tree(int parent, const char *name, int64_t until)
{
    removal r = {.top = open_directory(parent, name), .until = until};

    if (r.top < 0)
        return errno == ENOENT;
    while (each_entry(&r, parent, name, take_out))
        ;
    close(r.top);
    return unlinkat(parent, name, AT_REMOVEDIR) == 0;
}

typedef struct {
    const char *folder, *agent; /* as directories */
    size_t left;                /* workspaces that could not be removed */
} files_job;

static void remove_files(void *arg)
{
    int64_t until = clock_mono() + REMOVAL_LIMIT;
    files_job *j = arg;
    DIR *users = opendir(j->folder);
    struct dirent *e;

    while (users != NULL && (e = readdir(users)) != NULL) {
        int user = e->d_name[0] != '.' ? open_directory(dirfd(users), e->d_name) : -1;

        if (user < 0)
            continue;
        j->left += !remove_tree(user, j->agent, until);
        close(user);
    }
    if (users != NULL)
        closedir(users);
}

err chat_delete_agent(scope *s, owned_by who, const char *id)
{
    files_job j = {.folder = chat_configured()->workspaces,
                   .agent = strrchr(chat_workspace(s->arena, NULL, id), '/') + 1};
    scope *own;
    err e;

    TRY(agent_delete(s, who, id));
    own = scope_new("agent-files"); /* whoever asked for it may leave now */
    e = offload(own, remove_files, &j);
    if (e != OK || j.left > 0)
        log_warn("agent.files_left", log_str("agent", id), log_int("workspaces", (int64_t)j.left));
    scope_close(own);
    return OK;
}
