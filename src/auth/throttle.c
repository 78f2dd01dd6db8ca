/* SPDX-License-Identifier: MIT */
/*
 * Login throttling.  Keys are "u NAME", "a ADDRESS" and "p ADDRESS NAME"; names are cut and lower-cased first.
 */
#include "auth/throttle.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/lru.h"
#include "base/mem.h"
#include "base/str.h"

enum { NAME_MAX_KEPT = 128, ADDRESS_MAX_KEPT = 64, KEY_MAX = NAME_MAX_KEPT + ADDRESS_MAX_KEPT + 4 };

#define LONGEST_WAIT MINUTES(15)
#define FORGET_AFTER MINUTES(60) /* after the last failure */

struct throttle {
    lru entries;
};

typedef struct {
    int64_t failures;
    int64_t last; /* when the last try began */
    bool known;   /* of a pair: a login has succeeded */
} entry;

typedef struct {
    char account[KEY_MAX], address[KEY_MAX], pair[KEY_MAX];
    bool has_address;
} keys;

throttle *throttle_new(size_t max_entries)
{
    throttle *t = mem_zalloc(1, sizeof(*t));

    lru_setup(&t->entries, max_entries, sizeof(entry));
    return t;
}

void throttle_free(throttle *t)
{
    if (t == NULL)
        return;
    lru_close(&t->entries);
    free(t);
}

/* An IPv6 customer has at least a /64, so those eight bytes are the address that counts. */
static void cut_address(char out[ADDRESS_MAX_KEPT], const char *address)
{
    unsigned char bytes[16];

    if (strchr(address, '.') == NULL && inet_pton(AF_INET6, address, bytes) == 1)
        hex_encode(bytes, 8, out);
    else
        (void)snprintf(out, ADDRESS_MAX_KEPT, "%s", address);
}

static void make_keys(keys *k, const char *account, const char *address)
{
    char name[NAME_MAX_KEPT + 1], where[ADDRESS_MAX_KEPT] = "";
    size_t n = 0;

    for (; account[n] != '\0' && n < NAME_MAX_KEPT; n++)
        name[n] = (char)tolower((unsigned char)account[n]);
    name[n] = '\0';
    if (address != NULL)
        cut_address(where, address);
    k->has_address = where[0] != '\0';
    (void)snprintf(k->account, sizeof(k->account), "u %s", name);
    (void)snprintf(k->address, sizeof(k->address), "a %s", where);
    (void)snprintf(k->pair, sizeof(k->pair), "p %s %s", where, name);
}

/* How long after the last try the next may begin. */
static int64_t delay_of(const entry *e, int64_t free_tries)
{
    int64_t over = e->failures - free_tries;

    if (over < 0)
        return 0;
    return over >= 10 ? LONGEST_WAIT : MIN_OF(SECONDS((int64_t)1 << over), LONGEST_WAIT);
}

static int64_t wait_of(lru *t, const char *key, int64_t free_tries, int64_t now)
{
    entry *e = lru_find(t, key);

    if (e == NULL)
        return 0;
    if (now - e->last > FORGET_AFTER)
        e->failures = 0;
    return MAX_OF(e->last + delay_of(e, free_tries) - now, 0);
}

static void count_try(lru *t, const char *key, int64_t now)
{
    entry *e = lru_get(t, key);

    e->failures++;
    e->last = now;
}

static void forgive(lru *t, const char *key)
{
    entry *e = lru_find(t, key);

    if (e != NULL && e->failures > 0)
        e->failures--;
}

static bool is_known(throttle *t, const keys *k)
{
    const entry *pair = k->has_address ? lru_find(&t->entries, k->pair) : NULL;

    return pair != NULL && pair->known;
}

bool throttle_begin(throttle *t, const char *account, const char *address, int64_t now, int64_t *wait)
{
    const char *who;
    int64_t longest;
    keys k;

    make_keys(&k, account, address);
    lru_lock(&t->entries);
    who = is_known(t, &k) ? k.pair : k.account;
    longest = wait_of(&t->entries, who, THROTTLE_ACCOUNT_FREE, now);
    if (k.has_address)
        longest = MAX_OF(longest, wait_of(&t->entries, k.address, THROTTLE_ADDRESS_FREE, now));
    if (longest == 0) {
        count_try(&t->entries, who, now);
        if (k.has_address)
            count_try(&t->entries, k.address, now);
    }
    lru_unlock(&t->entries);
    *wait = longest;
    return longest == 0;
}

void throttle_success(throttle *t, const char *account, const char *address)
{
    keys k;

    make_keys(&k, account, address);
    lru_lock(&t->entries);
    lru_drop(&t->entries, k.account);
    if (k.has_address) {
        entry *pair = lru_get(&t->entries, k.pair);

        *pair = (entry){.known = true};
        forgive(&t->entries, k.address);
    }
    lru_unlock(&t->entries);
}

void throttle_undo(throttle *t, const char *account, const char *address)
{
    keys k;

    make_keys(&k, account, address);
    lru_lock(&t->entries);
    forgive(&t->entries, is_known(t, &k) ? k.pair : k.account);
    if (k.has_address)
        forgive(&t->entries, k.address);
    lru_unlock(&t->entries);
}
